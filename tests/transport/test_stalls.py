"""A broker that is alive and sends nothing: noticed per partition, by what the stream has and we do not."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import membership as membership_module
from pipelines.engine.transport.reader import end_offset_at
from schemas.errors import StreamUnavailable
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, consuming, is_chunk, member, publish, received


async def test_an_active_member_that_is_given_nothing_of_what_is_there_rejoins(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: a single-active-consumer partition can stick (rabbitmq-server#16975, #13657). Heartbeats go on."""
    monkeypatch.setattr(membership_module, "STALL_SECONDS", 0.5)
    await publish(run, 0, 10)
    positions = MemoryPositions()
    collector = Collector(positions)
    stuck = False

    def sticks(frame: bytes) -> bytes:
        return b"" if stuck and is_chunk(frame) and frame[4] == membership_module.SUBSCRIPTION else frame

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = sticks
        consumer = member(url, "orders", positions)
        async with consuming(consumer, collector) as task:
            await received(collector, 10)
            stuck = True
            await publish(run, 10, 10)
            with pytest.raises(StreamUnavailable, match="stalled; events up to offset 20 are there, but none from 10"):
                await asyncio.wait_for(asyncio.shield(task), 30)
        stuck = False
        async with consuming(consumer, collector):
            await received(collector, 20)
    assert collector.offsets == list(range(20))


async def test_a_member_with_nothing_to_do_is_not_stalled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "STALL_SECONDS", 0.05)
    looks = 0

    async def counted(*arguments: object) -> int:
        nonlocal looks
        looks += 1
        return await end_offset_at(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(membership_module, "end_offset_at", counted)
    await publish(run, 0, 10)
    positions = MemoryPositions()
    collector = Collector(positions)

    async def looked() -> bool:
        return looks >= 4

    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, 10)
        await until(looked, "four looks at the end of the stream")
        await publish(run, 10, 10)
        await received(collector, 20)
    assert collector.offsets == list(range(20))
    assert positions.claims == [0]


async def test_a_look_that_fails_proves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "STALL_SECONDS", 0.05)
    looks = 0

    async def failing(*arguments: object) -> int:
        nonlocal looks
        looks += 1
        raise StreamUnavailable("no leader")

    monkeypatch.setattr(membership_module, "end_offset_at", failing)
    positions = MemoryPositions()
    collector = Collector(positions)

    async def looked() -> bool:
        return looks >= 3

    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await until(looked, "three looks")
        await publish(run, 0, 10)
        await received(collector, 10)
    assert positions.claims == [0]
