"""After a long series of lost connections a processor holds what it held before: files, tasks, backends, memory."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
        servers = {"broker": stream, "postgres": postgres, "redis": redis}
        load = Load(run, seed, orders=60, pause=0.03, endless=True)
        publishing = asyncio.create_task(load.publish())
        await _cut(connection, load, lines, chance)
        await until(lambda: _ready(child), "the processor to be ready")
        before = await _watch(child, servers)
        for number in range(CUTS):
            await _cut(connection, load, [lines[number % 3]], chance)
        load.finish()
        await publishing
        await prove(load)
        await cache_agrees()
        await until(lambda: _ready(child), "the processor to be ready")
        now: dict[str, Any] = {}

        async def back() -> bool:
            now.update(await _watch(child, servers))
            return not _more(before, now, pooled)

        # The Redis client keeps what it needed at once: at most one for each partition.
        pooled = {"socket to redis": settings.partitions}
        try:
            await until(back, "files and tasks to be as before", seconds=20)
        except AssertionError:
            assert _more(before, now, pooled) == {}
        assert now["memory"] < before["memory"] + MARGIN_MB
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'warren views@1%' AND datname = $1"
        backends = await connection.fetchval(query, await connection.fetchval("SELECT current_database()"))
        assert backends == settings.partitions
        assert await child.stop() == 0
    await connection.close()


def _more(before: dict[str, Any], now: dict[str, Any], pooled: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return of what there is more than before, or than a pool may hold: how many then, how many now."""
    found = {}
    for what in ("files", "tasks"):
        for kind, number in now[what].items():
            allowed = pooled.get(kind, before[what].get(kind, 0))
            if number > allowed:
                found[kind] = (allowed, number)
    return found


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


async def _watch(child: Processor, servers: dict[str, str]) -> dict[str, Any]:
    """Ask the processor; sockets go by the server's name, the others, the question's own too, together."""
    async with httpx.AsyncClient(base_url=await child.address(), trust_env=False) as client:
        held: dict[str, Any] = (await client.get("/watch")).json()
    names = {f"socket to {urlsplit(url).port}": f"socket to {name}" for name, url in servers.items()}
    files: Counter[str] = Counter()
    for kind, number in held["files"].items():
        files[names.get(kind, "socket" if kind.startswith("socket") else kind)] += number
    return {**held, "files": files}
