"""A stream deleted and made anew is not the one the position speaks of, however long it has grown; no other is taken
for such a one.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from pipelines.engine.transport import (
    Batch,
    EventFilter,
    GroupConsumer,
    Message,
    SuperStreamPublisher,
    Turns,
    body_of,
    create_super_stream,
    end_offset,
    first_offset,
)
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import EventsLost, StreamReplaced, StreamUnavailable
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, consuming, member, publish, received


async def _read(run: Run, positions: MemoryPositions, count: int) -> None:
    """Let a member read so many records, from where the positions say."""
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, count)


async def _make_anew(run: Run) -> None:
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await connection.request(lambda client: client.delete_super_stream("orders"))
    await connection.close()
    await create_super_stream(run.settings.stream_url, "orders", 4)


async def _store_offset(run: Run, offset: int) -> None:
    """Store an offset as other consumers do: a chunk without events at the stream's end."""
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await connection.request(lambda client: client.store_offset("orders-0", "someone", offset))

    async def stored() -> bool:
        found: int = await connection.request(lambda client: client.query_offset("orders-0", "someone"))
        return found == offset

    await until(stored, "the offset to be stored")
    await connection.close()


async def _refused(run: Run, positions: MemoryPositions, because: str) -> None:
    collector = Collector(positions)
    with pytest.raises(StreamReplaced, match=because) as refusal:
        await asyncio.wait_for(member(run.settings.stream_url, "orders", positions).run(collector), 30)
    assert (refusal.value.stream, refusal.value.expected) == ("orders-0", positions.offsets[0])
    assert "\n" not in str(refusal.value)
    assert collector.records == []


@pytest.mark.parametrize("at_once", [7, 1000])
@pytest.mark.parametrize("events", [50, 51, 300])
async def test_one_that_is_as_long_or_longer_is_refused(run: Run, events: int, at_once: int) -> None:
    """Else what lies before the position would never be read."""
    await publish(run, 0, 50)
    positions = MemoryPositions()
    await _read(run, positions, 50)
    await _make_anew(run)
    await publish(run, 0, events, at_once=at_once)
    await _refused(run, positions, "its offset 49 was recorded at .*, not at .*; bring the old stream back, ")


@pytest.mark.parametrize(("events", "because"), [(0, "it is empty"), (20, "it ends at offset 20"), (49, "it ends at ")])
async def test_one_that_is_shorter_is_refused(run: Run, events: int, because: str) -> None:
    """Else the position would skip the new one's first events, or wait for ever."""
    await publish(run, 0, 50)
    positions = MemoryPositions()
    await _read(run, positions, 50)
    await _make_anew(run)
    await publish(run, 0, events)
    await _refused(run, positions, because)


async def test_a_member_at_work_does_not_come_back_to_another_stream(run: Run) -> None:
    positions = MemoryPositions()
    collector = Collector(positions)
    await publish(run, 0, 50)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector) as task:
        await received(collector, 50)
        await _make_anew(run)
        await asyncio.wait({task}, timeout=30)
    assert isinstance(task.exception(), StreamUnavailable)
    await publish(run, 0, 100)
    await _refused(run, positions, "its offset 49 ")
    assert len(collector.records) == 50


async def test_one_that_never_had_an_event_there_is_not_read(run: Run) -> None:
    await publish(run, 0, 50)
    positions = MemoryPositions()
    await _read(run, positions, 50)
    await _make_anew(run)
    await publish(run, 0, 49)
    await _store_offset(run, 7)  # takes offset 49
    await publish(run, 50, 20)
    collector = Collector(positions)
    with pytest.raises(StreamUnavailable, match="there is no event at offset 49 now"):
        await asyncio.wait_for(member(run.settings.stream_url, "orders", positions).run(collector), 30)
    assert collector.records == []


async def test_the_same_stream_is_read_on_wherever_the_position_stands(run: Run) -> None:
    """At its end, before a chunk, before offsets that others stored, and in the middle of a chunk."""
    positions = MemoryPositions()
    await publish(run, 0, 10)
    await _read(run, positions, 10)
    await _store_offset(run, 3)  # takes offset 10
    middle = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), middle):
        await publish(run, 10, 10)
        await received(middle, 10)
    await publish(run, 20, 30, at_once=10)
    await _read(run, positions, 30)
    assert middle.offsets == list(range(11, 21))
    assert positions.offsets[0] == 51
    positions.offsets[0] = 45  # the chunk from 41 on is the one it has the time of
    await _read(run, positions, 6)


async def test_compressed_events_are_read_on(run: Run) -> None:
    positions = MemoryPositions()
    messages = [Message("x", b"%d" % number, f"{number}", "t") for number in range(30)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders", compression="gzip") as publisher:
        await publisher.publish_to(0, messages)
        await _read(run, positions, 30)
        await publisher.publish_to(0, messages)
    await _read(run, positions, 30)
    assert positions.offsets[0] == 60


async def test_a_filtered_member_reads_on(run: Run) -> None:
    """Its position is the end of the last event it wanted; what it looked at behind it counts for nothing."""
    positions = MemoryPositions()
    seen: list[bytes] = []

    async def handle(batch: Batch) -> None:
        seen.extend(body_of(record) for chunk in batch.chunks for record in chunk.records)
        positions.offsets[0], positions.recorded_at[0] = batch.end_offset, batch.recorded_at

    consumer = GroupConsumer(
        Address.parse(run.settings.stream_url),
        "orders-0",
        partition=0,
        super_stream="orders",
        group="g",
        positions=positions,
        batch_records=15,
        turns=Turns(None),
        only=EventFilter(("paid",), lambda record: body_of(record).startswith(b"paid")),
    )
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for wanted in (20, 40):
            for kind in ("paid", "shipped", "paid", "shipped"):
                messages = [Message("x", f"{kind} {number}".encode(), f"{number}", kind) for number in range(10)]
                await publisher.publish_to(0, messages)

            async def all_seen(wanted: int = wanted) -> bool:
                return len(seen) >= wanted

            async with consuming(consumer, handle):
                await until(all_seen, f"{wanted} events")
    assert len(seen) == 40


async def _forgetting(run: Run) -> dict[int, datetime]:
    """Fill stream `short-0`, of which only the newest events stay, until some have gone.

    Return when each chunk was recorded, by the offset behind it, as a member found that has read them all.
    """
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    arguments = {"max-length-bytes": 200_000, "stream-max-segment-size-bytes": 100_000}
    await connection.request(lambda client: client.create_super_stream("short", ["short-0"], ["0"], arguments))
    await connection.close()
    url = run.settings.stream_url
    positions = MemoryPositions()
    collector = Collector(positions)
    async with (
        SuperStreamPublisher(url, "short") as publisher,
        consuming(member(url, "short", positions, records=1), collector),
    ):

        async def removed() -> bool:
            await publisher.publish_to(0, [Message("x", b"." * 1000, f"{n}", "t") for n in range(50)])
            await received(collector, await end_offset(url, "short-0"))
            return await first_offset(url, "short-0") > 0

        await until(removed, "retention to remove the first events")
    return {batch.end_offset: batch.recorded_at for batch in collector.batches}


async def test_retention_that_removed_nothing_unread_is_no_alarm(run: Run) -> None:
    """The chunk before the position is gone, and with it what the stream could be known by; nothing unread is."""
    recorded_at = await _forgetting(run)
    first = await first_offset(run.settings.stream_url, "short-0")
    end = await end_offset(run.settings.stream_url, "short-0")
    positions = MemoryPositions({0: first}, {0: recorded_at[first]})
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "short", positions), collector):
        await received(collector, end - first)
    assert collector.offsets == list(range(first, end))
    before = max(offset for offset in recorded_at if offset < first)
    positions = MemoryPositions({0: before}, {0: recorded_at[before]})
    with pytest.raises(EventsLost):
        await asyncio.wait_for(member(run.settings.stream_url, "short", positions).run(Collector(positions)), 30)
