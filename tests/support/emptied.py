"""One environment for many tests: emptied for each, which takes far less time than making one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from cli.localservers import Addresses
from pipelines.engine.stores.postgres import connect
from tests.support.runs import Run, fresh_run, migrate

TABLES = (
    "checkpoint, order_index, ledger, parked, quarantine, open_orders, closed_orders, timeline, counts, stays, "
    "stay_days, overdue_days, order_items, archived_orders, archived_months"
)


@asynccontextmanager
async def tables_only(addresses: Addresses) -> AsyncIterator[Run]:
    """Give an environment with tables but without a stream, and drop it afterwards."""
    async with fresh_run(addresses, prepared=False) as run:
        migrate(run.settings.postgres_dsn)
        yield run


@pytest.fixture(scope="module")
async def shared(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the module's own, without a stream. For a conftest to import, with `run`."""
    async with tables_only(servers) as made:
        yield made


@pytest.fixture
async def run(shared: Run) -> Run:
    """The module's environment, emptied."""
    await empty(shared)
    return shared


async def empty(run: Run, schema: str = "views_v1") -> None:
    """Remove an instance's rows, and all keys. Fails where a test before left a transaction open."""
    connection = await connect(run.settings.postgres_dsn, schema, application="warren test")
    await connection.execute("SET lock_timeout = '5s'")
    await connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
    await connection.close()
    async with Redis.from_url(run.settings.redis_url) as redis:
        keys = [key async for key in redis.scan_iter(match=f"{run.settings.redis_prefix}*", count=1000)]
        if keys:
            await redis.unlink(*keys)
