"""Servers killed, restarted, paused and flushed under load."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from redis.asyncio import Redis

from cli.localservers import ServerControl
from tests.faults.conftest import SEEDS, CacheProof, Proof, progress
from tests.support.load import Load
from tests.support.pipelines import caught_up
from tests.support.processors import Processor, processor
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

Server = Literal["rabbitmq", "postgres", "redis"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", ["rabbitmq", "postgres", "redis"])
async def test_a_server_killed_and_restarted(
    run: Run,
    control: ServerControl,
    prove: Proof,
    cache_agrees: CacheProof,
    tmp_path: Path,
    server: Server,
    seed: int,
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
        await cache_agrees()


@pytest.mark.parametrize("seed", SEEDS)
async def test_redis_flushed_under_load(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    load = Load(run, seed, orders=250)
    async with processor(run, tmp_path / "log"), Redis.from_url(run.settings.redis_url) as redis:
        publishing = asyncio.create_task(load.publish())
        for _ in range(4):
            await progress(load, 4)
            await redis.flushall()
        await publishing
        await prove(load)
        await cache_agrees()


@pytest.mark.parametrize("seed", SEEDS)
async def test_redis_full_and_emptied_again(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    """Every write is refused, of a script's several in its middle, too; events take effect all the same."""
    load = Load(run, seed, endless=True)
    async with processor(run, tmp_path / "log") as child, Redis.from_url(run.settings.redis_url) as redis:
        publishing = asyncio.create_task(load.publish())
        await progress(load, 2 + seed % 5)
        await redis.config_set("maxmemory", "1mb")
        try:
            await progress(load, 5)
            await caught_up(run)
            await until(lambda: _cache_failed(child), "a write to be refused")
            assert not await child.troubles()
        finally:
            await redis.config_set("maxmemory", "0")
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()


async def _cache_failed(child: Processor) -> bool:
    return bool(await child.metric("warren_cache_failures_total"))


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
