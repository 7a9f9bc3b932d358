"""One question at a time."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from dashboards.operator.shared import Shared


class Asked:
    """Counts how often it was asked, and answers when let."""

    def __init__(self) -> None:
        self.times = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.times += 1
        await self.may_answer.wait()
        if self.fails:
            raise LookupError("no answer")
        return self.times


async def test_all_who_ask_meanwhile_get_the_same_answer() -> None:
    shared, question = Shared[int](60), Asked()
    asking = [asyncio.create_task(shared.get("key", question)) for _ in range(10)]
    question.may_answer.set()
    assert await asyncio.gather(*asking) == [1] * 10
    assert await shared.get("key", question) == 1
    assert await shared.get("other", question) == 2


async def test_an_old_answer_is_not_used() -> None:
    shared, question = Shared[int](0), Asked()
    question.may_answer.set()
    assert [await shared.get("key", question), await shared.get("key", question)] == [1, 2]


async def test_what_is_there_serves_while_it_is_asked_anew() -> None:
    shared, question = Shared[int](60, ahead=60), Asked()
    question.may_answer.set()
    assert await shared.get("key", question) == 1
    question.may_answer.clear()
    assert [await shared.get("key", question) for _ in range(3)] == [1, 1, 1]
    await asyncio.sleep(0)
    question.may_answer.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert question.times == 2
    assert await shared.get("key", question) == 2


async def test_what_was_asked_anew_is_waited_for_once_what_was_there_is_old() -> None:
    shared, question = Shared[int](0.05, ahead=60), Asked()
    question.may_answer.set()
    assert await shared.get("key", question) == 1
    question.may_answer.clear()
    assert await shared.get("key", question) == 1
    await asyncio.sleep(0.06)
    late = asyncio.create_task(shared.get("key", question))
    await asyncio.sleep(0)
    assert not late.done()
    question.may_answer.set()
    assert (await late, question.times) == (2, 2)


async def test_a_failure_is_shared_as_well() -> None:
    shared, question = Shared[int](60), Asked()
    question.fails = True
    question.may_answer.set()
    for _ in range(3):
        with pytest.raises(LookupError):
            await shared.get("key", question)
    assert question.times == 1


async def test_one_who_leaves_takes_nobodys_answer_away() -> None:
    shared, question = Shared[int](60), Asked()
    first = asyncio.create_task(shared.get("key", question))
    second = asyncio.create_task(shared.get("key", question))
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    question.may_answer.set()
    assert await second == 1


async def test_closing_gives_up_what_is_under_way() -> None:
    shared, question = Shared[int](60), Asked()
    asking = asyncio.create_task(shared.get("key", question))
    await asyncio.sleep(0)
    await shared.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
