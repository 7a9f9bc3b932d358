"""What the tests of the stores share: cards, keys, and transactions that leave nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from redis.asyncio import Redis

from pipelines.engine.stores.cache import CardChange
from tests.support.runs import Run

LANES = ["initiated", "submitted", "closed"]

WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""
"""How many of this database's sessions wait for an advisory lock."""


def card(order_id: str, lane: str = "initiated", *, before: str = "", revision: int = 1, score: int = 0) -> CardChange:
    """Return an order's card; its text is its id and revision."""
    return CardChange(order_id, revision, f"{order_id}#{revision}".encode(), before, lane, score)


def many(count: int, lane: str = "initiated", first: int = 0) -> list[CardChange]:
    """Return cards of orders o<first>..., each opened a millisecond after the one before."""
    return [card(f"o{number}", lane, score=number) for number in range(first, first + count)]


async def keys_of(run: Run, redis: Redis) -> list[bytes]:
    """Return all keys of the test's environment."""
    return sorted([bytes(key) async for key in redis.scan_iter(match=f"{run.settings.redis_prefix}*")])


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Run the block in a transaction that is rolled back whatever happens."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()
