"""Processors come and go under load: partitions move, and nothing is lost or doubled (I2, I3, I5)."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.faults.conftest import SEEDS, CacheProof, Proof, owned_by, progress
from tests.faults.entries.wrong_clock import entry
from tests.support.load import Load
from tests.support.processors import processor
from tests.support.runs import Run

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", SEEDS)
async def test_from_one_to_three_and_back(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """Of those that go one says goodbye and one is killed, in any order."""
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    connection = await run.connect()
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(processor(run, tmp_path / "0"))]
        publishing = asyncio.create_task(load.publish())
        await owned_by(connection, children)
        for number in (1, 2):
            children.append(await stack.enter_async_context(processor(run, tmp_path / str(number))))
            await progress(load, chance.randint(1, 3))
        await owned_by(connection, children)
        for kill in chance.sample([False, True], 2):
            leaving = children.pop(chance.randrange(len(children)))
            if kill:
                leaving.kill()
            else:
                assert await leaving.stop() == 0
            await progress(load, chance.randint(1, 3))
        await owned_by(connection, children)
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await children[0].stop() == 0
    await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_clocks_that_are_wrong_by_days(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """One processor lives days ago, one in days to come; no decision hangs on what either thinks the time is."""
    chance, load = random.Random(seed), Load(run, seed, endless=True)
    connection = await run.connect()
    async with (
        processor(run, tmp_path / "behind", entry=entry(-chance.randint(2, 400))) as behind,
        processor(run, tmp_path / "ahead", entry=entry(chance.randint(2, 400))) as ahead,
    ):
        publishing = asyncio.create_task(load.publish())
        await owned_by(connection, [behind, ahead])
        await progress(load, 5)
        behind.kill()
        await owned_by(connection, [ahead])
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        assert await ahead.stop() == 0
    query = "SELECT max(abs(extract(epoch FROM recorded_at - now()))) FROM timeline"
    assert await connection.fetchval(query) < 3600
    await connection.close()
