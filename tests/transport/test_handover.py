"""From one owner to the next: the batch in hand may finish, nothing else begins, and nothing is read twice."""

from __future__ import annotations

import asyncio

from pipelines.engine.transport import Batch
from pipelines.engine.transport.consumer import GroupConsumer
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, Wiretap, consuming, member, publish, received


async def test_the_broker_sends_from_the_claimed_offset_and_no_record_of_history(run: Run) -> None:
    """Traps: a consumer without a listener starts at NEXT; one that recovers replays from 0."""
    await publish(run, 0, 300, at_once=10)
    await publish(run, 300, 200, at_once=10)  # a chunk begins at 300, as what is before is confirmed
    positions, tap = MemoryPositions({0: 300}), Wiretap()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = tap
        async with consuming(member(url, "orders", positions), collector):
            await received(collector, 200)
    assert collector.batches[0].first_offset == 300
    assert collector.offsets == list(range(300, 500))
    assert min(tap.first_offsets) == 300
    assert tap.records == 200


async def test_a_demoted_owner_finishes_its_batch_and_begins_no_other(run: Run) -> None:
    """The next owner goes on where that batch ended, so nothing is done twice."""
    await publish(run, 0, 100, at_once=10, partition=1)
    positions = MemoryPositions()
    first_done, second_done = Collector(positions), Collector(positions)
    entered = asyncio.Event()

    async def demoted_with_more_to_do() -> bool:
        return not first.active

    async def slow(batch: Batch) -> None:
        entered.set()
        await until(demoted_with_more_to_do, "the demotion")
        await first_done(batch)

    first = member(run.settings.stream_url, "orders", positions, partition=1, records=10)
    second = member(run.settings.stream_url, "orders", positions, partition=1)
    async with consuming(first, slow):
        await asyncio.wait_for(entered.wait(), 30)
        async with consuming(second, second_done):

            async def all_handled() -> bool:
                return len(first_done.records) + len(second_done.records) == 100

            await until(all_handled, "100 records")
            assert len(first_done.batches) == 1
            assert first_done.offsets + second_done.offsets == list(range(100))
            assert positions.abandoned == []


async def test_a_member_is_stopped_many_times_in_mid_batch_and_misses_nothing(run: Run) -> None:
    """Trap: a disconnect cancels the handler in mid-message. A batch either moved the position or comes again."""
    await publish(run, 0, 300, at_once=5)
    positions = MemoryPositions()
    collector = Collector(positions)
    consumer: GroupConsumer = member(run.settings.stream_url, "orders", positions, records=5)
    while positions.offsets.get(0, 0) < 300:
        before = len(collector.batches)

        async def some_batches(before: int = before) -> bool:
            return len(collector.batches) >= before + 7 or positions.offsets.get(0) == 300

        async with consuming(consumer, collector):
            await until(some_batches, "some batches")
        assert not consumer.joined
    assert collector.offsets == list(range(300))
