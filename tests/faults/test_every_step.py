"""A processor killed, and one stopped and woken after takeover, at every step of a batch (I2, I3, I5)."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import LONG_SEEDS, SEEDS, CacheProof, Proof, progress
from tests.faults.entries.impatient import IMPATIENT
from tests.faults.entries.stopping_at import STEPS, entry
from tests.support.load import Load
from tests.support.processors import Processor, processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

OPEN = "idle in transaction"
BACKEND = {"claim": "idle", "look-up": "idle", "advance": "idle", "write": OPEN, "commit": OPEN}
"""What the batch's database backend does while its client stands still there."""

SMALL_BATCHES = {"WARREN_BATCH_EVENTS": "40"}


@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_at_every_step(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    chance, load = random.Random(seed), Load(run, seed, orders=100, pause=0.05, endless=True)
    publishing = asyncio.create_task(load.publish())
    for step in chance.sample(list(STEPS), len(STEPS)):
        dying = entry(step, _times(chance, step), signal.SIGKILL, tmp_path / "told")
        async with processor(run, tmp_path / step, entry=dying, environment=SMALL_BATCHES) as child:
            assert await child.ended() == -signal.SIGKILL
    async with processor(run, tmp_path / "last") as child:
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await child.stop() == 0


@pytest.mark.parametrize("seed", LONG_SEEDS)
async def test_stopped_at_every_step_and_woken_after_takeover(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """Each takes over from the one before and stops in turn; in the end all wake, each in the middle of its batch."""
    chance, load = random.Random(seed), Load(run, seed, orders=100, pause=0.05, endless=True)
    connection = await run.connect()
    publishing = asyncio.create_task(load.publish())
    stopped: list[Processor] = []
    async with AsyncExitStack() as stack:
        for step in chance.sample(list(STEPS), len(STEPS)):
            told = tmp_path / f"{step}.told"
            stopping = entry(step, _times(chance, step), signal.SIGSTOP, told)
            context = processor(run, tmp_path / step, entry=stopping, environment=SMALL_BATCHES)
            child = await stack.enter_async_context(context)
            await until(lambda child=child: _is_frozen(child), f"it to stop at {step}")  # type: ignore[misc]
            if step in BACKEND:
                query = "SELECT state FROM pg_stat_activity WHERE pid = $1"
                assert await connection.fetchval(query, int(told.read_text())) == BACKEND[step], step
            stopped.append(child)
        last = await stack.enter_async_context(processor(run, tmp_path / "last", entry=IMPATIENT))
        await until(lambda: _owns_all(connection, last, run), "the last one to take over every partition")
        for child in stopped:
            child.wake()
        await progress(load, 5)
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert [await child.stop() for child in [*stopped, last]] == [0] * (len(STEPS) + 1)
    await connection.close()


def _times(chance: random.Random, step: str) -> int:
    """Which time to stop there; each of the four partitions is claimed once."""
    return chance.randint(1, 3 if step == "claim" else 20)


async def _is_frozen(child: Processor) -> bool:
    assert child.running
    return child.frozen


async def _owns_all(connection: asyncpg.Connection, child: Processor, run: Run) -> bool:
    query = "SELECT count(*) FROM checkpoint WHERE owner LIKE '%:' || $1"
    return bool(await connection.fetchval(query, str(child.pid)) == run.settings.partitions)
