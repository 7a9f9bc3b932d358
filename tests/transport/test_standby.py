"""A member that stands by notices that nobody works, and leaves others alone who do."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Batch, GroupConsumer, standby
from schemas.errors import GroupStuck
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, consuming, member, publish, received


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members look ten times a second."""
    monkeypatch.setattr(standby, "LOOK_SECONDS", 0.1)


class Looking(MemoryPositions):
    """Counts how often a member that stands by has looked."""

    looks = 0

    async def position(self, partition: int) -> int | None:
        self.looks += 1
        return await super().position(partition)


async def _active(consumer: GroupConsumer) -> None:
    async def chosen() -> bool:
        return consumer.active

    await until(chosen, "the broker to choose this member")


async def _looks(positions: Looking, more: int = 4) -> None:
    wanted = positions.looks + more

    async def enough() -> bool:
        return positions.looks >= wanted

    await until(enough, "a few looks")


async def test_a_group_in_which_nobody_works_is_left_for_a_while(run: Run) -> None:
    """Trap: a single-active-consumer partition can stick, with an owner that is none."""
    positions, began = Looking(), asyncio.Event()

    async def stuck(_: Batch) -> None:
        began.set()
        await asyncio.Event().wait()

    async with consuming(member(run.settings.stream_url, "orders", positions), stuck):
        await publish(run, 0, 10)
        await began.wait()
        second = member(run.settings.stream_url, "orders", positions)
        with pytest.raises(GroupStuck, match=r"from offset 0, though there are events up to 10") as raised:
            await second.run(Collector(positions))
        assert raised.value.retry_after_s == standby.STAY_AWAY_SECONDS
        assert not second.joined


async def test_while_another_member_works_or_there_is_nothing_to_do_it_stands_by(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine events may be on their way for longer than two looks, which then rightly call it stuck.
    settled, look = asyncio.Lock(), standby.Standby.look

    async def look_when_settled(self: standby.Standby) -> None:
        async with settled:
            await look(self)

    monkeypatch.setattr(standby.Standby, "look", look_when_settled)
    positions = Looking()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await publish(run, 0, 10)
        await received(collector, 10)
        second = member(run.settings.stream_url, "orders", positions)
        async with consuming(second, collector) as task:
            await _looks(positions)
            for number in range(10, 60, 10):
                async with settled:
                    await publish(run, number, 10)
                    await received(collector, number + 10)
                await _looks(positions, more=1)

            async def stands_by() -> bool:
                return second.joined and not second.active

            await until(stands_by, "the second to stand by")
            assert not task.done()


async def test_slow_work_on_a_backlog_is_work(run: Run) -> None:
    """The end stays ahead; but the position is another one at each look."""
    await publish(run, 0, 200, at_once=10)
    turns, began = asyncio.Semaphore(0), asyncio.Event()

    class Moving(Looking):
        async def position(self, partition: int) -> int | None:
            before = await super().position(partition)
            turns.release()

            async def moved() -> bool:
                return self.offsets.get(partition, 0) != before

            await until(moved, "one more batch")
            return before

    at_work = MemoryPositions()
    collector, watched = Collector(at_work), Moving(at_work.offsets)

    async def slow(batch: Batch) -> None:
        began.set()
        await turns.acquire()
        await collector(batch)

    async with consuming(member(run.settings.stream_url, "orders", at_work, records=10), slow):
        await began.wait()
        async with consuming(member(run.settings.stream_url, "orders", watched), collector) as task:

            async def looked_or_left() -> bool:
                return watched.looks >= 4 or task.done()

            await until(looked_or_left, "a few looks")
            assert not task.done()
            assert at_work.offsets[0] < 200


async def test_what_was_seen_before_a_time_of_activity_is_not_compared_with(run: Run) -> None:
    """The same position, before and after: only two looks in a row tell that nobody works."""
    positions, began = Looking(), asyncio.Event()

    async def demoted() -> bool:
        return not first.active

    async def failing(_: Batch) -> None:
        began.set()
        await until(demoted, "the demotion")

    async def stuck(_: Batch) -> None:
        await asyncio.Event().wait()

    first, other, third = (
        member(run.settings.stream_url, "orders", own, partition=1)
        for own in (positions, MemoryPositions(), MemoryPositions())
    )
    async with consuming(first, failing) as task:
        await _active(first)
        # Of several members the second owns this partition.
        async with consuming(other, stuck):
            await _active(other)
            await _looks(positions, more=2)
        await _active(first)
        await publish(run, 0, 10, partition=1)
        await began.wait()
        looks = positions.looks
        async with consuming(third, stuck):
            with pytest.raises(GroupStuck, match=r"from offset 0, though there are events up to 10"):
                await asyncio.wait_for(asyncio.shield(task), 60)
    assert positions.looks == looks + 2


async def test_a_position_that_cannot_be_told_proves_nothing(run: Run) -> None:
    class Silent(Looking):
        async def position(self, partition: int) -> int | None:
            await super().position(partition)
            return None

    positions, began = Silent(), asyncio.Event()

    async def stuck(_: Batch) -> None:
        began.set()
        await asyncio.Event().wait()

    async with consuming(member(run.settings.stream_url, "orders", positions), stuck):
        await publish(run, 0, 10)
        await began.wait()
        async with consuming(member(run.settings.stream_url, "orders", positions), Collector(positions)) as task:
            await _looks(positions)
            assert not task.done()
