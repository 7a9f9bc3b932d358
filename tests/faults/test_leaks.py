"""After a long series of lost connections a processor holds what it held before: files, tasks, backends, memory."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.faults.conftest import SEEDS, CacheProof, Proof, applied, progress
from tests.faults.entries.watched import WATCHED
from tests.support.load import Load
from tests.support.processors import Processor, processor
from tests.support.proxy import Proxy, proxied
from tests.support.runs import Run
from tests.support.waiting import until

pytestmark = pytest.mark.faults

CUTS = 30

MARGIN_MB = 20.0
"""Memory may grow so far: caches and arenas have no exact size."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_thirty_lost_connections_leave_nothing_behind(
    run: Run, prove: Proof, cache_agrees: CacheProof, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    connection = await run.connect()
    settings = run.settings
    async with (
        proxied(settings.stream_url) as (stream, to_broker),
        proxied(settings.postgres_dsn) as (postgres, to_postgres),
        proxied(settings.redis_url) as (redis, to_redis),
        processor(
            run,
            tmp_path / "log",
            entry=WATCHED,
            environment={"WARREN_STREAM_URL": stream, "WARREN_POSTGRES_DSN": postgres, "WARREN_REDIS_URL": redis},
        ) as child,
    ):
        lines = [to_broker, to_postgres, to_redis]
        load = Load(run, seed, orders=60, pause=0.03, endless=True)
        publishing = asyncio.create_task(load.publish())
        await _cut(connection, load, lines, chance)
        await until(lambda: _ready(child), "the processor to be ready")
        before = await _watch(child)
        for number in range(CUTS):
            await _cut(connection, load, [lines[number % 3]], chance)
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        await until(lambda: _ready(child), "the processor to be ready")
        now: dict[str, Any] = {}

        async def back() -> bool:
            now.update(await _watch(child))
            return all(now[what].get(kind, 0) <= before[what].get(kind, 0) for what in KINDS for kind in now[what])

        try:
            await until(back, "files and tasks to be as before", seconds=20)
        except AssertionError:
            assert {what: now[what] for what in KINDS} == {what: before[what] for what in KINDS}
        assert now["memory"] < before["memory"] + MARGIN_MB
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'warren views@1%' AND datname = $1"
        backends = await connection.fetchval(query, await connection.fetchval("SELECT current_database()"))
        assert backends == settings.partitions
        assert await child.stop() == 0
    await connection.close()


KINDS = ("files", "tasks")


async def _cut(connection: asyncpg.Connection, load: Load, lines: list[Proxy], chance: random.Random) -> None:
    """Cut the lines at a random point of the load, and wait until events take effect again."""
    for line in lines:
        await progress(load, chance.randint(1, 3))
        line.cut()
        before = await applied(connection)

        async def further(before: int = before) -> bool:
            return await applied(connection) > before

        await until(further, "events to take effect again")


async def _ready(child: Processor) -> bool:
    return not await child.troubles()


async def _watch(child: Processor) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=await child.address(), trust_env=False) as client:
        held: dict[str, Any] = (await client.get("/watch")).json()
    return held
