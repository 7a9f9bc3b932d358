"""What the tests of the stores share: cards, owners of the cache, keys, and transactions that leave nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
from redis.asyncio import Redis

from pipelines.engine.stores.cache import Cache, CardChange, Spot, Standing
from tests.support.runs import Run

LANES = ["initiated", "submitted", "closed"]

WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""
"""How many of this database's sessions wait for an advisory lock."""


def card(order_id: str, lane: str = "initiated", *, before: str = "", revision: int = 1, score: int = 0) -> CardChange:
    """Return an order's card; its text is its id and revision."""
    was = Spot(before, score) if before else None
    return CardChange(order_id, f"{order_id}#{revision}".encode(), was, Spot(lane, score))


def many(count: int, lane: str = "initiated", first: int = 0) -> list[CardChange]:
    """Return cards of orders o<first>..., each come a millisecond after the one before."""
    return [card(f"o{number}", lane, score=number) for number in range(first, first + count)]


class Owner:
    """Writes the cache as a partition's owner does: it remembers how the keys stood when it last wrote or looked."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._standings: dict[int, Standing] = {}

    def known(self, partition: int) -> Standing:
        """Return what was remembered; where nothing was, a generation that never was."""
        return self._standings.get(partition, Standing("none", {}))

    async def rebuild(
        self, partition: int, offset: int, cards: Sequence[CardChange], counts: Mapping[str, int]
    ) -> None:
        """Build the partition anew."""
        self._standings[partition] = await self._cache.rebuild(partition, offset, cards, counts)

    async def apply(
        self, partition: int, first: int, end: int, changes: Sequence[CardChange], counts: Mapping[str, int]
    ) -> bool:
        """Apply a batch, and say whether it was."""
        now = await self._cache.apply(partition, self.known(partition), first, end, changes, counts)
        if now is not None:
            self._standings[partition] = now
        return now is not None

    async def look(self, partition: int, offset: int) -> bool:
        """Say whether the keys are whole at the offset; if so, go on with them."""
        found = await self._cache.standing(partition, offset)
        if found is not None:
            self._standings[partition] = found
        return found is not None


class Thrifty(Owner):
    """Leaves out every change that cannot be seen."""

    async def apply(
        self, partition: int, first: int, end: int, changes: Sequence[CardChange], counts: Mapping[str, int]
    ) -> bool:
        """Apply what can be seen of a batch, and say whether it was."""
        shows = self.known(partition).shows
        seen = [c for c in changes if shows(c.before, c.after)]
        return await super().apply(partition, first, end, seen, counts)


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
