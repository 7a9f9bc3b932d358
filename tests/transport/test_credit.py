"""Credit: how much the broker may send, and that none of it is ever lost."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Batch, GroupConsumer, end_offset
from pipelines.engine.transport import credit as credit_module
from pipelines.engine.transport import membership as membership_module
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, Wiretap, consuming, member, publish, received


async def test_the_broker_may_send_another_chunk_only_after_one_is_worked_off(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: credit goes back before processing, so about `initial_credit` + 1 chunks pile up."""
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 3)
    await publish(run, 0, 200, at_once=10)
    positions, tap = MemoryPositions(), Wiretap()
    collector = Collector(positions)
    handled = 0

    async def handle(batch: Batch) -> None:
        nonlocal handled
        for _ in range(3):  # round trips in which the broker would long have sent more, had it been allowed to
            assert len(tap.first_offsets) <= handled + 3
            await end_offset(run.settings.stream_url, "orders-0")
        assert len(tap.first_offsets) <= handled + 3
        await collector(batch)
        handled += len(batch.chunks)

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = tap
        async with consuming(member(url, "orders", positions, records=10), handle) as task:

            async def done() -> bool:
                return task.done() or len(collector.records) == 200

            await until(done, "200 records")
            assert not task.done()
    assert collector.offsets == list(range(200))


async def test_the_credit_is_whole_after_many_handovers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: a demoted consumer went on through what was buffered. It is dropped, and its credit must come back."""
    monkeypatch.setattr(credit_module, "FIRST_CREDIT", 4)
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 4)
    monkeypatch.setattr(membership_module, "HANDOVER_SECONDS", 0.0)
    await publish(run, 0, 400, at_once=10, partition=1)
    positions, tap = MemoryPositions(), Wiretap()
    collector = Collector(positions)
    hanging = True

    async def hangs(batch: Batch) -> None:
        if hanging:
            await asyncio.Event().wait()
        await collector(batch)

    async def all_credit_used() -> bool:
        return len(tap.first_offsets) == 4

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = tap
        first = member(url, "orders", positions, partition=1, records=10)
        async with consuming(first, hangs):
            for _ in range(4):
                await until(all_credit_used, "four chunks to be with the first member")
                second = member(run.settings.stream_url, "orders", positions, partition=1)
                async with consuming(second, hangs):

                    async def handed_over(second: GroupConsumer = second) -> bool:
                        return second.active and not first.active

                    await until(handed_over, "the second member to become active")
                    tap.first_offsets.clear()
            await until(all_credit_used, "four chunks to be with the first member")
            hanging = False
            proxy.cut()
        async with consuming(first, hangs):
            await received(collector, 400)
    assert collector.offsets == list(range(400))
