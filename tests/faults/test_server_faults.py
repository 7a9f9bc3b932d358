"""Servers killed, restarted, paused and flushed under load."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from redis.asyncio import Redis

from cli.localservers import ServerControl
from pipelines.engine.stores.cache import Cache
from tests.faults.conftest import SEEDS, Proof, progress
from tests.support.load import Load
from tests.support.pipelines import caught_up
from tests.support.processors import processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

Server = Literal["rabbitmq", "postgres", "redis"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", ["rabbitmq", "postgres", "redis"])
async def test_a_server_killed_and_restarted(
    run: Run, control: ServerControl, prove: Proof, tmp_path: Path, server: Server, seed: int
) -> None:
    load = Load(run, seed, orders=100, pause=0.02, endless=True)
    async with processor(run, tmp_path / "log") as child:
        publishing = asyncio.create_task(load.publish())
        for _ in range(2):
            await progress(load, 5 + seed % 7)
            await asyncio.to_thread(control.kill, server)
            await asyncio.to_thread(control.start, server)
        await progress(load, 5)
        load.finish()
        await publishing
        await prove(load)
        assert child.running
        await _cache_agrees(run)


@pytest.mark.parametrize("seed", SEEDS)
async def test_redis_flushed_under_load(run: Run, prove: Proof, tmp_path: Path, seed: int) -> None:
    load = Load(run, seed, orders=250)
    async with processor(run, tmp_path / "log"), Redis.from_url(run.settings.redis_url) as redis:
        publishing = asyncio.create_task(load.publish())
        for _ in range(4):
            await progress(load, 4)
            await redis.flushall()
        await publishing
        await prove(load)
        await _cache_agrees(run)


async def test_postgres_paused_holds_the_pipeline_and_loses_nothing(
    run: Run, control: ServerControl, prove: Proof, tmp_path: Path
) -> None:
    load = Load(run, 1, orders=250)
    async with processor(run, tmp_path / "log") as child:
        publishing = asyncio.create_task(load.publish())
        await progress(load, 5)
        await asyncio.to_thread(control.pause, "postgres")
        await publishing
        await asyncio.to_thread(control.resume, "postgres")
        await prove(load)
        assert child.running


async def _cache_agrees(run: Run) -> None:
    """Wait until the hot cache is whole again, and hold its counts against the tables (I6)."""
    await caught_up(run)
    connection = await run.connect()
    rows = await connection.fetch("SELECT partition, stage, partner, orders FROM counts WHERE orders <> 0")
    expected: dict[int, dict[str, int]] = {partition: {} for partition in range(run.settings.partitions)}
    for row in rows:
        expected[row["partition"]][f"{row['stage']}|{row['partner']}"] = row["orders"]
    async with Redis.from_url(run.settings.redis_url) as redis:
        cache = Cache(redis, run.settings.redis_prefix, "views@1")

        async def whole() -> bool:
            boards = await cache.read_board(sorted(expected), ["submitted", "closed"], 10)
            return all(
                board is not None and {field: n for field, n in board.counts.items() if n} == expected[partition]
                for partition, board in enumerate(boards)
            )

        await until(whole, "the hot cache to agree with PostgreSQL")
    await connection.close()
