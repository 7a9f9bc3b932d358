"""Each chunk begins where the last one ended: a jump is explained, or nothing behind it is used."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import (
    Batch,
    Message,
    SuperStreamPublisher,
    end_offset,
    read_stream,
)
from pipelines.engine.transport import credit as credit_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import EventsLost, StreamUnavailable
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import (
    Collector,
    MemoryPositions,
    chunk_offset,
    consuming,
    is_chunk,
    losing_chunk_at,
    member,
    publish,
    received,
)


async def test_a_chunk_that_is_missing_is_noticed_and_read_again(run: Run) -> None:
    """Trap: stored offsets make gaps look normal. A gap over events is not: nothing behind it is handled."""
    await publish(run, 0, 60, at_once=20)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = losing_chunk_at(40)
        consumer = member(url, "orders", positions, records=10)
        running = asyncio.create_task(consumer.run(collector))
        await received(collector, 40)  # before the gap can be seen: what is in hand then need not be handled
        await publish(run, 60, 40, at_once=20)
        with pytest.raises(StreamUnavailable, match="skipped from offset 40 to "):
            await asyncio.wait_for(running, 30)
        assert collector.offsets == list(range(40))
        proxy.frames = None
        async with consuming(consumer, collector):
            await received(collector, 100)
    assert collector.offsets == list(range(100))


async def test_a_reader_notices_a_missing_chunk(run: Run) -> None:
    await publish(run, 0, 100, at_once=20)
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = losing_chunk_at(40)
        with pytest.raises(StreamUnavailable, match="skipped from offset 40"):
            _ = [chunk async for chunk in read_stream(url, "orders-0", 0, 100)]


async def test_a_chunk_with_another_number_of_records_than_it_says_is_not_used(run: Run) -> None:
    """Else every later record would have a wrong offset."""
    await publish(run, 0, 10)
    await publish(run, 10, 1)
    positions = MemoryPositions()
    collector = Collector(positions)

    def one_more(frame: bytes) -> bytes:
        if is_chunk(frame) and chunk_offset(frame) == 10:
            return frame[:9] + (2).to_bytes(4, "big") + frame[13:]
        return frame

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = one_more
        with pytest.raises(StreamUnavailable, match="chunk at offset 10 holds 1 records, not 2"):
            await asyncio.wait_for(member(url, "orders", positions, records=10).run(collector), 30)
    assert collector.offsets == list(range(len(collector.offsets)))
    assert len(collector.offsets) <= 10


async def test_retention_overtaking_a_slow_member_stops_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: the broker goes on at the first offset it has, without an error."""
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 1)
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    arguments = {"max-length-bytes": 200_000, "stream-max-segment-size-bytes": 100_000}
    await connection.request(lambda client: client.create_super_stream("short", ["short-0"], ["0"], arguments))
    positions = MemoryPositions()
    collector = Collector(positions)
    entered, overtaken = asyncio.Event(), asyncio.Event()

    async def slow(batch: Batch) -> None:
        entered.set()
        await overtaken.wait()
        await collector(batch)

    async with SuperStreamPublisher(run.settings.stream_url, "short") as publisher:

        async def removed() -> bool:
            await publisher.publish_to(0, [Message("x", b"." * 1000, f"{n}", "t") for n in range(200)])
            return (await connection.stats("short-0"))["first_chunk_id"] > 1000

        async with consuming(member(run.settings.stream_url, "short", positions, records=10), slow) as task:
            await publisher.publish_to(0, [Message("x", b"first", "0", "t")])
            await asyncio.wait_for(entered.wait(), 30)
            await until(removed, "retention to remove events ahead of the member")
            overtaken.set()
            await asyncio.wait({task}, timeout=30)
    await connection.close()
    error = task.exception() if not task.cancelled() else None
    assert isinstance(error, EventsLost)
    assert collector.offsets == list(range(error.expected))
    assert await end_offset(run.settings.stream_url, "short-0") > error.first_available > error.expected
