"""No more partitions are worked on at once than may be; a batch is made when its turn has come; the stuck make way."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from pipelines.engine.transport import Batch, Turns
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, Wiretap, consuming, member, publish, received


async def test_whoever_comes_first_is_served_first_and_whoever_is_cancelled_leaves_no_trace() -> None:
    turns, inside, leave = Turns(1), list[str](), asyncio.Event()

    async def stay(name: str) -> None:
        async with turns.taken():
            inside.append(name)
            await leave.wait()

    tasks = [asyncio.create_task(stay(name)) for name in "abcd"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    leave.set()
    await asyncio.wait(tasks)
    assert inside == ["a", "c", "d"]
    async with asyncio.timeout(1), turns.taken():
        pass


async def test_a_turn_is_given_back_once() -> None:
    turns = Turns(1)
    async with turns.taken() as make_way:
        make_way()
        make_way()
        async with turns.taken():
            other = asyncio.ensure_future(turns.taken().__aenter__())
            await asyncio.sleep(0)
            assert not other.done()
    await other


async def test_of_two_partitions_one_waits_and_then_takes_all_that_has_come(run: Run) -> None:
    """Both members are real; their handlers are held until told to go on."""
    turns, entered = Turns(1), list[int]()
    go_on = {0: asyncio.Event(), 1: asyncio.Event()}
    collectors = {partition: Collector(MemoryPositions()) for partition in go_on}

    async def handle(batch: Batch) -> None:
        entered.append(batch.partition)
        await go_on[batch.partition].wait()
        await collectors[batch.partition](batch)

    async def entered_by(*partitions: int) -> None:
        async def reached() -> bool:
            return entered == list(partitions)

        await until(reached, f"{partitions} in turn")

    tap = Wiretap()

    async def delivered() -> bool:
        return tap.records == 30

    async with AsyncExitStack() as members, proxied(run.settings.stream_url) as (counted, proxy):
        proxy.frames = tap
        for partition, url in ((0, run.settings.stream_url), (1, counted)):
            collector = collectors[partition]
            one = member(url, "orders", collector.positions, partition=partition, records=10_000, turns=turns)
            await members.enter_async_context(consuming(one, handle))
        go_on[1].set()
        for number in range(5):  # credit grows with what is worked off
            await publish(run, number, 1, partition=1)
            await received(collectors[1], number + 1)
        go_on[1].clear()
        entered.clear()
        await publish(run, 0, 1, partition=0)
        await entered_by(0)
        tap.records = 0
        for number in range(3):
            await publish(run, number * 10, 10, partition=1)
        await until(delivered, "all that comes meanwhile")
        assert entered == [0]
        go_on[0].set()
        await entered_by(0, 1)
        go_on[1].set()
        await received(collectors[1], 35)
    assert len(collectors[1].batches[-1]) == 30


async def test_a_batch_that_cannot_go_on_makes_way(run: Run) -> None:
    turns, stuck, done = Turns(1), asyncio.Event(), asyncio.Event()

    async def cannot(batch: Batch) -> None:
        batch.make_way()
        stuck.set()
        await asyncio.Event().wait()

    async def can(_: Batch) -> None:
        done.set()

    await publish(run, 0, 1, partition=0)
    first = member(run.settings.stream_url, "orders", MemoryPositions(), partition=0, turns=turns)
    second = member(run.settings.stream_url, "orders", MemoryPositions(), partition=1, turns=turns)
    async with consuming(first, cannot):
        await asyncio.wait_for(stuck.wait(), 30)
        await publish(run, 0, 1, partition=1)
        async with consuming(second, can):
            await asyncio.wait_for(done.wait(), 30)
