"""The hot cache behind a guard: it answers within a quarter of a second, or is left alone for a while (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from pipelines.edges.outbox.reports import reports_key
from pipelines.engine.settings import Settings
from pipelines.engine.stores.cache import Cache, PartitionBoard
from pipelines.engine.stores.instances import InstanceName
from schemas.errors import SettingsError

LIMIT_SECONDS = 0.25
PAUSE_SECONDS = 1.0

T = TypeVar("T")


class CacheAway(Exception):
    """The cache did not answer, or did not lately and is not asked again yet."""


class HotCache:
    """Reads of any instance's cache. Every method raises CacheAway, and nothing else, where Redis does not answer.

    Raises:
        SettingsError: when made, for an address that is none.
    """

    def __init__(self, settings: Settings) -> None:
        # No retries of the client's own: a second attempt would break the limit, and Postgres is there.
        try:
            self._redis: Redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0))
        except ValueError as error:
            raise SettingsError(f"WARREN_REDIS_URL: {error}") from error
        self._prefix = settings.redis_prefix
        self._away_until = 0.0
        self.away = False
        """Whether Redis did not answer when it was asked last."""
        self._caches: dict[InstanceName, Cache] = {}

    async def board(
        self,
        instance: InstanceName,
        partitions: Sequence[int],
        lanes: Sequence[str],
        limit: int,
        known: Mapping[int, PartitionBoard],
    ) -> list[PartitionBoard | None]:
        """Each partition's counts and latest cards, in the order asked; None for one that is not there. What is `known`
        and still true is given again."""
        cache = self._cache(instance)
        return await self._guarded(lambda: cache.read_board(partitions, lanes, limit, known))

    async def card(self, instance: InstanceName, partition: int, order_id: str) -> tuple[int | None, bytes | None]:
        """The offset a partition stands at, and an order's card in it; None for what is not there.

        The card is at least as new as the offset.
        """
        cache = self._cache(instance)

        async def both() -> tuple[int | None, bytes | None]:
            offset = await cache.offset(partition)
            return offset, await cache.read_card(partition, order_id)

        return await self._guarded(both)

    async def offset(self, instance: InstanceName, partition: int) -> int | None:
        """The offset a partition stands at, None where it is not there."""
        cache = self._cache(instance)
        return await self._guarded(lambda: cache.offset(partition))

    async def outboxes(self) -> list[bytes]:
        """What relays have reported of each outbox, by source."""
        reports = await self._guarded(self._reports)
        return [body for _, body in sorted(reports.items())]

    async def ping(self) -> None:
        """Return if Redis answers now, whatever it did before."""
        self._away_until = 0.0
        await self._guarded(self._ping)

    async def close(self) -> None:
        """Drop all connections."""
        await self._redis.aclose()

    def _cache(self, instance: InstanceName) -> Cache:
        if instance not in self._caches:
            self._caches[instance] = Cache(self._redis, self._prefix, str(instance))
        return self._caches[instance]

    async def _reports(self) -> dict[bytes, bytes]:
        reports: Any = await self._redis.hgetall(reports_key(self._prefix))
        return dict(reports)

    async def _ping(self) -> None:
        await self._redis.ping()

    async def _guarded(self, ask: Callable[[], Awaitable[T]]) -> T:
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            raise CacheAway("Redis did not answer a moment ago")
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                answer = await ask()
        except (RedisError, OSError, TimeoutError) as error:
            self.away = True
            self._away_until = now + PAUSE_SECONDS
            raise CacheAway(
                f"Redis does not answer: {' '.join(str(error).split()) or 'too slow'}; see WARREN_REDIS_URL"
            ) from error
        self.away = False
        return answer
