"""Processors killed, frozen and woken: exactly once all the same (I2, I3, I5)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import SEEDS, Proof, applied, progress
from tests.faults.entries.piecewise import PIECEWISE
from tests.support.load import Load
from tests.support.processors import Processor, processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_at_random_points_under_load(run: Run, prove: Proof, tmp_path: Path, seed: int) -> None:
    chance, load = random.Random(seed), Load(run, seed, orders=400)
    connection = await run.connect()
    async with processor(run, tmp_path / "log") as child:
        publishing = asyncio.create_task(load.publish())
        for _ in range(6):
            before = await applied(connection)

            async def moved(before: int = before) -> bool:
                return await applied(connection) > before or publishing.done()

            await until(moved, "the processor to commit")
            await asyncio.sleep(chance.uniform(0, 0.15))  # a random point, not a wait for something
            child.kill()
            child.start()
        await publishing
        await prove(load)
        assert await child.stop() == 0
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_active_one_of_two_killed(run: Run, prove: Proof, tmp_path: Path, seed: int) -> None:
    load = Load(run, seed, orders=200)
    connection = await run.connect()
    async with processor(run, tmp_path / "one") as one, processor(run, tmp_path / "two") as two:
        publishing = asyncio.create_task(load.publish())
        await progress(load, 5)
        victim = await _owner_of_some_partition(connection, [one, two])
        victim.kill()
        await publishing
        await prove(load)
    owners = {row["owner"].rpartition(":")[2] for row in await connection.fetch("SELECT owner FROM checkpoint")}
    assert owners == {str((two if victim is one else one).pid)}
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_active_one_frozen_in_mid_batch_and_woken_after_takeover(
    run: Run, prove: Proof, tmp_path: Path, seed: int
) -> None:
    """A frozen owner keeps its row locks and, woken, believes it still owns the partition."""
    load = Load(run, seed, orders=1200, pause=0.0)
    connection = await run.connect()
    async with processor(run, tmp_path / "one", entry=PIECEWISE) as one:
        publishing = asyncio.create_task(load.publish())
        await progress(load, 3)
        frozen_at = await _freeze_in_a_transaction(connection, one)
        async with processor(run, tmp_path / "two"):

            async def taken_over() -> bool:
                query = "SELECT count(*) FROM checkpoint WHERE owner NOT LIKE '%:' || $1 AND next_offset > 0"
                return bool(await connection.fetchval(query, str(one.pid)) == run.settings.partitions)

            await until(taken_over, "the second processor to take over every partition", seconds=120)
            await progress_or_done(load, publishing)
            one.wake()
            await publishing
            await prove(load)
            epoch = await connection.fetchval("SELECT epoch FROM checkpoint WHERE partition = $1", frozen_at)
            assert epoch >= 2
            assert one.running
    await connection.close()


async def progress_or_done(load: Load, publishing: asyncio.Task[None]) -> None:
    if not publishing.done():
        await asyncio.wait({publishing, asyncio.ensure_future(progress(load, 3))}, return_when=asyncio.FIRST_COMPLETED)


async def _owner_of_some_partition(connection: asyncpg.Connection, children: list[Processor]) -> Processor:
    async def owner() -> Processor | None:
        rows = await connection.fetch("SELECT owner FROM checkpoint WHERE next_offset > 0")
        pids = {row["owner"].rpartition(":")[2] for row in rows}
        return next((child for child in children if str(child.pid) in pids), None)

    found = await until(owner, "someone to own a partition")
    assert found is not None
    return found


async def _freeze_in_a_transaction(connection: asyncpg.Connection, child: Processor) -> int:
    """Freeze the processor while one of its connections has a batch's transaction open; return that partition.

    A transaction that only reads, to rebuild the cache, has no id.
    """
    query = """
        SELECT c.partition FROM checkpoint c
          JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
         WHERE a.state = 'idle in transaction' AND a.backend_xid IS NOT NULL AND c.next_offset > 0
    """

    async def caught() -> int | None:
        child.freeze()
        # What was on its way to the server is done by the second look; what is open then stays open.
        await connection.fetch("SELECT pg_sleep(0.05)")
        rows = await connection.fetch(query)
        if rows:
            return int(rows[0]["partition"]) + 1
        child.wake()
        return None

    found = await until(caught, "the processor to be caught in mid-batch")
    assert found is not None
    return found - 1
