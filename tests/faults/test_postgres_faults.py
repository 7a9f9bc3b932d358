"""What a living PostgreSQL does to a processor: cancels, deadlocks, terminates, and has no connection left."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from pipelines.engine.stores.postgres import connect
from tests.faults.conftest import SEEDS, CacheProof, Proof, applied, progress
from tests.faults.entries.impatient import IMPATIENT
from tests.support.load import Load
from tests.support.processors import Processor, processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

OURS = "application_name LIKE 'warren views@1%' AND datname = current_database()"


UnderLoad = Callable[[Load], AbstractAsyncContextManager[Processor]]


@pytest.fixture
def under_load(run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path) -> UnderLoad:
    """Give a working processor under a load that ends with the block; then nothing is lost, and it still runs."""

    @asynccontextmanager
    async def working(load: Load) -> AsyncIterator[Processor]:
        connection = await run.connect()

        async def works() -> bool:
            return await applied(connection) > 0

        async with processor(run, tmp_path / "log", entry=IMPATIENT) as child:
            publishing = asyncio.create_task(load.publish())
            await until(works, "the processor to begin")
            await connection.close()
            yield child
            load.finish()
            await publishing
            await prove(load)
            await cache_agrees()
            assert await child.stop() == 0

    return working


async def _retries(child: Processor, error: str) -> float:
    return await child.metric("warren_batch_retries_total", error=error) or 0


@pytest.mark.parametrize("seed", SEEDS)
async def test_statements_cancelled_again_and_again(run: Run, under_load: UnderLoad, seed: int) -> None:
    chance, load = random.Random(seed), Load(run, seed, pause=0.03, endless=True)
    connection = await run.connect()
    async with under_load(load) as child:

        async def cancelled() -> bool:
            for _ in range(20):  # few of them meet a statement
                await asyncio.sleep(chance.uniform(0, 0.02))  # a random point, not a wait for something
                await connection.execute(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {OURS}")
            return await _retries(child, "QueryCanceledError") >= 10

        await until(cancelled, "ten batches to be cancelled")
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_backends_terminated_again_and_again(run: Run, under_load: UnderLoad, seed: int) -> None:
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    connection = await run.connect()
    async with under_load(load):
        for _ in range(10):
            await connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
            before = await applied(connection)

            async def further(before: int = before) -> bool:
                return await applied(connection) > before

            await until(further, "events to take effect again")
            await asyncio.sleep(chance.uniform(0, 0.1))  # a random point, not a wait for something
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_deadlocks_with_a_session_that_locks_in_the_other_order(
    run: Run, under_load: UnderLoad, seed: int
) -> None:
    """It holds a partition's counts and wants its checkpoint; a batch holds the checkpoint and wants the counts."""
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    other = await run.connect()
    await other.execute("SET deadlock_timeout = '30s'")  # so that it is the batch that is sacrificed
    async with under_load(load) as child:

        async def sacrificed() -> bool:
            partition = chance.randrange(run.settings.partitions)
            async with other.transaction():
                await other.execute("SELECT FROM counts WHERE partition = $1 FOR UPDATE", partition)
                await progress(load, 1)
                await other.execute("SELECT FROM checkpoint WHERE partition = $1 FOR UPDATE", partition)
            return await _retries(child, "DeadlockDetectedError") >= 2

        await until(sacrificed, "two batches to be sacrificed")
    await other.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_connection_left(run: Run, under_load: UnderLoad, tmp_path: Path, seed: int) -> None:
    """Others have taken all: neither a running processor that lost its own nor one that starts gives up."""
    load = Load(run, seed, pause=0.05, endless=True)
    observer = await run.connect()
    others: list[asyncpg.Connection] = []

    async def take_all() -> None:
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                others.append(await connect(run.settings.postgres_dsn, application="others"))

    async def give_back() -> None:
        while others:
            others.pop().terminate()

    async def bereft() -> bool:
        await observer.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
        await take_all()
        return not await observer.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}")

    async with AsyncExitStack() as stack, under_load(load) as child:
        stack.push_async_callback(give_back)
        await until(bereft, "the processor to have no connection")

        async def says_so() -> bool:
            return any("TooManyConnectionsError" in trouble for trouble in await child.troubles())

        await until(says_so, "the processor to say why it waits")
        second = await stack.enter_async_context(processor(run, tmp_path / "second"))

        async def waits() -> bool:
            return any("waiting for PostgreSQL" in trouble for trouble in await second.troubles())

        await until(waits, "a starting processor to wait")
        await give_back()
        await until(lambda: _ready(second), "both to work")
        await until(lambda: _ready(child), "both to work")
    await observer.close()


async def _ready(child: Processor) -> bool:
    return not await child.troubles()
