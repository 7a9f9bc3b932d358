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
from tests.support.processors import processor
from tests.support.runs import Run

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
