"""`warren tail`."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.streams import partition_of
from tests.cli.support import Answer, Warren
from tests.support.events import LIFE, life, message
from tests.support.runs import Run

ORDERS = [f"A{number}" for number in range(12)]


async def _publish(run: Run, *messages: Message) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)


async def _publish_lives(run: Run) -> None:
    await _publish(run, *(message(fields) for order in ORDERS for fields in life(order)))


def _lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer
    return [orjson.loads(line) for line in answer.stdout.splitlines()]


async def test_it_prints_all_there_is_in_the_order_it_was_recorded(warren: Warren, run: Run) -> None:
    await _publish_lives(run)
    lines = _lines(await warren("tail", "--json"))
    assert len(lines) == 120
    assert [line["recorded_at"] for line in lines] == sorted(line["recorded_at"] for line in lines)
    for partition in range(4):
        offsets = [line["offset"] for line in lines if line["partition"] == partition]
        assert offsets == list(range(len(offsets)))


async def test_one_order_comes_from_its_home_partition(warren: Warren, run: Run) -> None:
    await _publish_lives(run)
    lines = _lines(await warren("tail", "--order", "A7"))
    assert [line["event"]["type"] for line in lines] == [f"order.{name}.v1" for name in LIFE]
    assert {line["partition"] for line in lines} == {partition_of("A7", 4)}


async def test_it_begins_and_ends_where_it_is_told(warren: Warren, run: Run) -> None:
    await _publish_lives(run)
    home = str(partition_of("A7", 4))
    lines = _lines(await warren("tail", "--partition", home, "--from", "3", "--count", "4"))
    assert [line["offset"] for line in lines] == [3, 4, 5, 6]
    assert _lines(await warren("tail", "--from", "next")) == []
    (await warren("tail", "--from", "3")).failed(2, "add --partition or --order")
    (await warren("tail", "--partition", "4")).failed(2, "no partition 4")
    other = str((partition_of("A7", 4) + 1) % 4)
    (await warren("tail", "--partition", other, "--order", "A7")).failed(2, f"is in partition {home}")


@pytest.mark.parametrize("more", [[], ["--follow"]])
async def test_an_offset_beyond_the_end_is_one_line_that_says_where_it_ends(
    warren: Warren, run: Run, more: list[str]
) -> None:
    await _publish_lives(run)
    home = str(partition_of("A7", 4))
    end = len(_lines(await warren("tail", "--partition", home)))
    answer = await warren("tail", "--order", "A7", "--from", str(end + 1), *more)
    answer.failed(1, f"partition {home} ends before offset {end + 1}: its next event will have offset {end}")
    assert _lines(await warren("tail", "--order", "A7", "--from", str(end))) == []


async def test_follow_goes_on_with_what_comes_until_ctrl_c(warren: Warren, run: Run) -> None:
    await _publish(run, *map(message, life("A1", "initiated")))
    async with warren.process("tail", "--follow", "--from", "first") as process:
        assert process.stdout is not None
        first = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert first["event"]["id"] == "A1-initiated"
        await _publish(run, *map(message, life("A2", "initiated")))
        second = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert second["event"]["id"] == "A2-initiated"
        process.send_signal(2)
        _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, stderr) == (0, b"")


async def test_what_holds_no_json_is_shown_as_such_and_safely(warren: Warren, run: Run) -> None:
    await _publish(run, Message("A1", b"\x1b[2J\xff no json", "1", "x"))
    (line,) = _lines(await warren("tail"))
    assert line["event"] is None
    assert "not JSON" in line["undecodable"]
    assert line["raw"] == "\\x1b[2J\\xff no json"
