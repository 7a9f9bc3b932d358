"""A member that stands by notices that nobody works, and leaves others alone who do."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Batch, standby
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


async def test_while_another_member_works_or_there_is_nothing_to_do_it_stands_by(run: Run) -> None:
    positions = Looking()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await publish(run, 0, 10)
        await received(collector, 10)
        second = member(run.settings.stream_url, "orders", positions)
        async with consuming(second, collector) as task:
            await _looks(positions)
            for number in range(10, 60, 10):
                await publish(run, number, 10)
                await received(collector, number + 10)
                await _looks(positions, more=1)
            assert second.joined
            assert not task.done()


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
