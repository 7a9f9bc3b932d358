"""The group consumer: nothing skipped, nothing twice under one owner, credit after the work, no gap unexplained."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.engine.transport import Batch, Message, SuperStreamPublisher, body_of
from pipelines.engine.transport import credit as credit_module
from pipelines.engine.transport import membership as membership_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import EventsLost, StreamReplaced, StreamUnavailable
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, consuming, member, publish, received


async def test_it_goes_on_where_the_position_says_and_sees_what_was_there_before(run: Run) -> None:
    """Trap: a single active consumer without a listener starts at NEXT and sees nothing of the past."""
    await publish(run, 0, 100)
    positions = MemoryPositions({0: 37})
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, 63)
        await publish(run, 100, 50)
        await received(collector, 113)
    assert collector.offsets == list(range(37, 150))
    assert [int(body_of(record)) for _, record in collector.records] == list(range(37, 150))


async def test_batches_never_run_together_and_end_within_one_chunk_of_the_limit(run: Run) -> None:
    await publish(run, 0, 2000, at_once=20)
    positions = MemoryPositions()
    collector = Collector(positions)
    running = 0

    async def handle(batch: Batch) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        await collector(batch)
        running -= 1

    async with consuming(member(run.settings.stream_url, "orders", positions, records=50), handle):
        await received(collector, 2000)
    assert collector.offsets == list(range(2000))
    for batch in collector.batches:
        assert sum(len(chunk.records) for chunk in batch.chunks[:-1]) < 50


async def test_a_handler_that_raises_skips_nothing(run: Run) -> None:
    """Trap: an exception in a callback drops the rest of the chunk and goes on with the next."""
    await publish(run, 0, 30, at_once=10)
    positions = MemoryPositions()
    collector = Collector(positions)
    failures = 0

    async def handle(batch: Batch) -> None:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise RuntimeError("broken")
        await collector(batch)

    consumer = member(run.settings.stream_url, "orders", positions, records=10)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            await asyncio.wait_for(consumer.run(handle), 30)
    async with consuming(consumer, handle):
        await received(collector, 30)
    assert collector.offsets == list(range(30))
    assert positions.claims == [0, 0, 0]
    assert len(positions.releases) >= 2


async def test_credit_goes_back_after_the_work_so_a_slow_handler_bounds_memory(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 5)
    await publish(run, 0, 4000, at_once=10)
    positions = MemoryPositions()
    entered, go_on = asyncio.Event(), asyncio.Event()
    queues: list[asyncio.Queue[object]] = []
    original = Connection.deliver

    def spying(self: Connection, subscription_id: int, queue: asyncio.Queue[Any]) -> None:
        if subscription_id == membership_module.SUBSCRIPTION:
            queues.append(queue)
        original(self, subscription_id, queue)

    monkeypatch.setattr(Connection, "deliver", spying)
    collector = Collector(positions)

    async def handle(batch: Batch) -> None:
        if len(collector.records) >= 1000:
            entered.set()
            await go_on.wait()
        await collector(batch)

    async with consuming(member(run.settings.stream_url, "orders", positions, records=10), handle):
        await asyncio.wait_for(entered.wait(), 30)

        async def full() -> bool:
            return queues[0].qsize() == 4  # five chunks of credit, one of them in the handler

        await until(full, "the credit to be used up")
        for _ in range(20):
            await asyncio.sleep(0.01)
            assert queues[0].qsize() == 4
        go_on.set()
        await received(collector, 4000)
    assert collector.offsets == list(range(4000))


async def test_one_of_two_members_is_active_and_the_other_takes_over_without_a_gap(run: Run) -> None:
    await publish(run, 0, 100)
    positions = MemoryPositions()
    collector = Collector(positions)
    first = member(run.settings.stream_url, "orders", positions)
    second = member(run.settings.stream_url, "orders", positions)
    async with consuming(second, collector):
        async with consuming(first, collector):
            await received(collector, 100)
            assert [first.active, second.active].count(True) == 1
        await publish(run, 100, 100)
        await received(collector, 200)
        assert second.active
        assert not first.active
    assert collector.offsets == list(range(200))


async def test_a_demoted_member_drops_what_was_delivered_to_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: a demoted consumer went on through 17 buffered messages after the new one was active.

    Partition 1 of a super stream goes to the second member, which joins while the first has a full buffer.
    """
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(0, 1000, 10):
            await publisher.publish_to(1, [Message("x", b"%d" % n, f"{n}", "t") for n in range(start, start + 10)])
    monkeypatch.setattr(membership_module, "HANDOVER_SECONDS", 0.2)
    positions = MemoryPositions()
    collector = Collector(positions)
    entered, stuck = asyncio.Event(), asyncio.Event()

    async def hangs(batch: Batch) -> None:
        entered.set()
        await stuck.wait()
        await collector(batch)

    first = member(run.settings.stream_url, "orders", positions, partition=1, records=10)
    second = member(run.settings.stream_url, "orders", positions, partition=1)
    async with consuming(first, hangs):
        await asyncio.wait_for(entered.wait(), 30)
        async with consuming(second, collector):
            await received(collector, 1000)
            stuck.set()
            assert second.active
            assert not first.active
    assert collector.offsets == list(range(1000))


async def test_a_lost_connection_ends_the_membership_and_the_next_one_misses_nothing(run: Run) -> None:
    await publish(run, 0, 100, at_once=5)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        consumer = member(url, "orders", positions, records=5)

        async def handle(batch: Batch) -> None:
            await collector(batch)
            if batch.first_offset < 50 <= batch.end_offset:
                proxy.cut()

        with pytest.raises(StreamUnavailable):
            await asyncio.wait_for(consumer.run(handle), 30)
        assert not consumer.active
        async with consuming(consumer, collector):
            await received(collector, 100)
    assert sorted(set(collector.offsets)) == list(range(100))
    assert len(collector.offsets) == 100


async def test_offsets_stored_by_others_make_no_gap(run: Run) -> None:
    """Trap: a stored offset takes an offset in the stream (a tracking chunk), and gaps look normal.

    Such a gap is accepted, as the stream begins before it and holds no event in it.
    """
    await publish(run, 0, 5)
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await connection.request(lambda client: client.store_offset("orders-0", "someone", 3))

    async def stored() -> bool:
        offset = await connection.request(lambda client: client.query_offset("orders-0", "someone"))
        return offset == 3

    await until(stored, "the offset to be stored")
    await connection.close()
    await publish(run, 5, 5)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, 10)
    assert [int(body_of(record)) for _, record in collector.records] == list(range(10))
    assert collector.offsets == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    # The position after a batch is contiguous with the next batch's, whatever lies between.
    for before, after in zip(collector.batches, collector.batches[1:], strict=False):
        assert after.first_offset == before.end_offset


async def test_a_position_beyond_the_end_is_another_stream_and_refused(run: Run) -> None:
    await publish(run, 0, 10)
    positions = MemoryPositions({0: 1000})
    with pytest.raises(StreamReplaced, match="it ends at offset 10;"):
        await asyncio.wait_for(member(run.settings.stream_url, "orders", positions).run(Collector(positions)), 30)


async def test_events_that_retention_removed_stop_the_partition(run: Run) -> None:
    """Trap: retention ate the asked offset, and the broker starts at the first it has, without an error."""
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    arguments = {"max-length-bytes": 200_000, "stream-max-segment-size-bytes": 100_000}
    await connection.request(lambda client: client.create_super_stream("short", ["short-0"], ["0"], arguments))
    async with SuperStreamPublisher(run.settings.stream_url, "short") as publisher:

        async def removed() -> bool:
            await publisher.publish_to(0, [Message("x", b"." * 1000, f"{n}", "t") for n in range(200)])
            return (await connection.stats("short-0"))["first_chunk_id"] > 5

        await until(removed, "retention to remove the first events")
    await connection.close()
    positions = MemoryPositions({0: 5})
    with pytest.raises(EventsLost) as lost:
        await asyncio.wait_for(member(run.settings.stream_url, "short", positions).run(Collector(positions)), 30)
    assert lost.value.expected == 5
    assert lost.value.first_available > 5


async def test_a_batch_given_up_at_a_handover_gives_its_credit_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a member that becomes active again on the same connection would wait for ever for its next chunk."""
    monkeypatch.setattr(credit_module, "FIRST_CREDIT", 4)
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 4)
    monkeypatch.setattr(membership_module, "HANDOVER_SECONDS", 0.2)
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(0, 400, 10):
            await publisher.publish_to(1, [Message("x", b"%d" % n, f"{n}", "t") for n in range(start, start + 10)])
    positions = MemoryPositions()
    collector = Collector(positions)
    entered, hangs = asyncio.Event(), True

    async def hangs_once(batch: Batch) -> None:
        if hangs:
            entered.set()
            await asyncio.Event().wait()
        await collector(batch)

    async def nothing(batch: Batch) -> None:
        await asyncio.Event().wait()

    first = member(run.settings.stream_url, "orders", positions, partition=1)
    async with consuming(first, hangs_once):
        await asyncio.wait_for(entered.wait(), 30)
        second = member(run.settings.stream_url, "orders", positions, partition=1)
        async with consuming(second, nothing):

            async def handed_over() -> bool:
                return second.active and not first.active

            await until(handed_over, "the second member to become active")
            hangs = False
        await received(collector, 400)
        assert first.active
        assert positions.abandoned
    assert collector.offsets == list(range(400))


async def test_a_member_that_is_stuck_holds_up_nothing_of_another_partition(run: Run) -> None:
    """Trap: every Deliver frame is queued for every subscriber on that connection, unbounded."""
    await publish(run, 0, 1000, at_once=10)
    await publish(run, 0, 1000, at_once=10, partition=1)
    positions = MemoryPositions()
    stuck_at, collector = Collector(MemoryPositions()), Collector(positions)
    entered = asyncio.Event()

    async def sticks(batch: Batch) -> None:
        entered.set()
        await asyncio.Event().wait()
        await stuck_at(batch)

    async with consuming(member(run.settings.stream_url, "orders", stuck_at.positions), sticks):
        await asyncio.wait_for(entered.wait(), 30)
        async with consuming(member(run.settings.stream_url, "orders", positions, partition=1), collector):
            await received(collector, 1000)
    assert collector.offsets == list(range(1000))
    assert {batch.partition for batch in collector.batches} == {1}
