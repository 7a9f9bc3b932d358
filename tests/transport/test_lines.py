"""Bad lines: cut, half-open, slow, or with a flipped bit. Nothing is lost, and nothing wrong is used."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from pipelines.engine.transport import Message, SuperStreamPublisher, body_of, end_offset
from pipelines.engine.transport import connection as connection_module
from pipelines.engine.transport import consumer as consumer_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import StreamUnavailable, Unconfirmed
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import (
    Collector,
    MemoryPositions,
    chunk_offset,
    consuming,
    is_chunk,
    member,
    publish,
    received,
)


async def test_a_flipped_bit_in_a_chunk_is_noticed_and_the_chunk_read_again(run: Run) -> None:
    """Trap: a bad CRC kills the listener task while `is_connection_alive()` stays true: silent stall."""
    await publish(run, 0, 10)
    await publish(run, 10, 10)
    positions = MemoryPositions()
    collector = Collector(positions)
    flipped = 0

    def flip(frame: bytes) -> bytes:
        nonlocal flipped
        if not is_chunk(frame) or chunk_offset(frame) != 10 or flipped:
            return frame
        flipped += 1
        return frame[:-1] + bytes([frame[-1] ^ 1])

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = flip
        consumer = member(url, "orders", positions)
        with pytest.raises(StreamUnavailable, match="the chunk at offset 10 has a wrong checksum"):
            await asyncio.wait_for(consumer.run(collector), 30)
        assert collector.offsets == list(range(min(len(collector.offsets), 10)))
        async with consuming(consumer, collector):
            await received(collector, 20)
    assert collector.offsets == list(range(20))


async def test_a_frame_that_cannot_be_read_ends_the_connection(run: Run) -> None:
    """Trap: an undecodable frame kills the listener task, silently."""
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = lambda frame: b"\x77\x77\x00\x01" if frame[:2] == b"\x80\x1c" else frame
        connection = await Connection.open(Address.parse(url), "test")
        with pytest.raises(StreamUnavailable, match="unreadable frame"):
            await asyncio.wait_for(connection.stats("orders-0"), 5)
        await connection.close()


async def test_a_half_open_line_is_noticed_by_the_consumer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: missed heartbeats are only logged (rstream#201)."""
    monkeypatch.setattr(consumer_module, "HEARTBEAT_SECONDS", 1)
    await publish(run, 0, 10)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        consumer = member(url, "orders", positions)
        async with consuming(consumer, collector) as task:
            await received(collector, 10)
            proxy.freeze()
            await publish(run, 10, 10)
            with pytest.raises(StreamUnavailable, match="silent"):
                await asyncio.wait_for(asyncio.shield(task), 30)
        proxy.cut()
        proxy.thaw()
        async with consuming(consumer, collector):
            await received(collector, 20)
    assert collector.offsets == list(range(20))


async def test_a_half_open_line_is_noticed_by_the_publisher(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the socket's buffers are full, so that nothing can be sent either."""
    monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 1)
    messages = [Message("one", b"." * 10_000, f"{n}", "t") for n in range(3000)]
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish(messages[:1])
        proxy.freeze()
        with pytest.raises(Unconfirmed, match="silent") as failure:
            await asyncio.wait_for(publisher.publish(messages, timeout=60), 60)
        assert failure.value.indexes == tuple(range(3000))
        proxy.cut()
        proxy.thaw()
        await publisher.publish(messages[:1])


async def test_a_slow_line_delays_and_loses_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames come in many pieces, and heartbeats behind them."""
    monkeypatch.setattr(consumer_module, "HEARTBEAT_SECONDS", 1)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.bytes_per_second = 200_000
        async with (
            consuming(member(url, "orders", positions), collector),
            SuperStreamPublisher(url, "orders") as publisher,
        ):
            for start in range(0, 500, 100):
                messages = [Message("x", b"." * 1000, f"{n}", "t") for n in range(start, start + 100)]
                await publisher.publish_to(0, messages)
            await received(collector, 500)
    assert collector.offsets == list(range(500))


async def test_a_chunk_that_takes_longer_than_silence_may_last_is_no_silence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a large chunk on a slow line would be begun again for ever."""
    monkeypatch.setattr(consumer_module, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(connection_module, "SILENCE_FACTOR", 1.5)
    await publish(run, 0, 1)
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish_to(0, [Message("x", b"." * 250_000, f"{n}", "t") for n in range(3)])
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        consumer = member(url, "orders", positions)
        async with consuming(consumer, collector) as task:
            proxy.bytes_per_second = 150_000
            await received(collector, 4)
            assert not task.done()
    assert positions.claims == [0]


async def test_a_line_cut_again_and_again_loses_nothing_and_doubles_only_what_was_unconfirmed(run: Run) -> None:
    """Trap: before 1.1.1 rstream dropped confirms on reconnect. What is confirmed is stored exactly once."""
    unsure: set[int] = set()
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders", 4) as publisher:
        consumer = member(url, "orders", positions)

        async def consume() -> None:
            while True:
                try:
                    await consumer.run(collector)
                except StreamUnavailable:
                    await asyncio.sleep(0.05)

        consuming_task = asyncio.create_task(consume())
        for start in range(0, 2000, 100):
            numbers = list(range(start, start + 100))
            while numbers:
                call = asyncio.create_task(
                    publisher.publish_to(0, [Message("x", b"%d" % n, f"{n}", "t") for n in numbers])
                )
                if start % 300 == 0 and len(numbers) == 100 and start not in unsure:
                    await asyncio.sleep(0)
                    proxy.cut()
                try:
                    await call
                    numbers = []
                except Unconfirmed as failure:
                    numbers = [numbers[place] for place in failure.indexes]
                    unsure.update(numbers)
        end = await end_offset(run.settings.stream_url, "orders-0")

        async def all_received() -> bool:
            return len(collector.records) == end

        await until(all_received, "all records")
        consuming_task.cancel()
        await asyncio.wait({consuming_task})
    stored = Counter(int(body_of(record)) for _, record in collector.records)
    assert collector.offsets == list(range(end))
    assert set(stored) == set(range(2000))
    assert all(stored[number] == 1 for number in set(range(2000)) - unsure)


async def test_a_member_cut_before_its_first_chunk_misses_nothing(run: Run) -> None:
    """Trap: a NEXT consumer cut before its first chunk replayed from 0; a TIMESTAMP one lost a message."""
    await publish(run, 0, 10)
    positions = MemoryPositions({0: 10})
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        consumer = member(url, "orders", positions)

        async def active() -> bool:
            return consumer.active

        async with consuming(consumer, collector) as task:
            await until(active, "the member to be active")
            proxy.cut()
            with pytest.raises(StreamUnavailable):
                await asyncio.wait_for(asyncio.shield(task), 30)
        await publish(run, 10, 10)
        async with consuming(consumer, collector):
            await received(collector, 10)
    assert collector.offsets == list(range(10, 20))
