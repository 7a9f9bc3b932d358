"""Keep the hot cache in step with what has committed. It may fail at any moment; a batch waits a second at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

from pipelines.engine.stores.cache import Cache, CardChange, Spot, Standing
from pipelines.engine.telemetry import metrics
from schemas.errors import told

log = logging.getLogger(__name__)

LIMIT_SECONDS = 1.0
"""Redis gets so long for one write; then the partition counts as out of step."""

# While Redis hangs, the partition's batches wait at most so long, and ever more rarely.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0

_FAILURES = (RedisError, OSError, TimeoutError)


class Showing:
    """One partition's side of the cache, used by its owner only."""

    def __init__(self, cache: Cache, instance: str, partition: int) -> None:
        self._cache = cache
        self._instance = instance
        self._partition = partition
        self._not_before = 0.0
        self._pause = _FIRST_PAUSE
        self._standing: Standing | None = None

    @property
    def in_step(self) -> bool:
        """Whether the last write arrived. False: build the partition anew from the tables."""
        return self._standing is not None

    def wants(self, before: Spot | None, after: Spot) -> bool:
        """Say whether such a change can be seen by anyone, see `Standing.shows`."""
        return self._standing is not None and self._standing.shows(before, after)

    def lost(self) -> None:
        """Note that something took effect which cannot be shown: the partition is to be built anew."""
        self._standing = None

    async def show(
        self,
        first_offset: int,
        end_offset: int,
        cards: Sequence[CardChange],
        counts: Mapping[str, int],
        announcement: Mapping[str, Any],
    ) -> None:
        """Show a committed batch. Never raises; where it fails, `in_step` is False."""
        known = self._standing
        if known is None:
            return
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                self._standing = await self._cache.apply(
                    self._partition, known, first_offset, end_offset, cards, counts, announcement
                )
        except _FAILURES as error:
            self._failed(error)

    async def check(self, expected_offset: int) -> None:
        """Look whether the keys still stand where the checkpoint does; someone may have flushed them."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                self._standing = await self._cache.standing(self._partition, expected_offset)
        except _FAILURES as error:
            self._failed(error)

    @property
    def wants_rebuild(self) -> bool:
        """Whether to try a rebuild now."""
        return not self.in_step and time.monotonic() >= self._not_before

    async def rebuild(self, offset: int, cards: Sequence[CardChange], counts: Mapping[str, int]) -> None:
        """Put the partition as it stands at `offset` in place of what is there. Never raises."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                self._standing = await self._cache.rebuild(self._partition, offset, cards, counts)
                self._pause = _FIRST_PAUSE
                await self._cache.announce({"partition": self._partition, "offset": offset, "orders": [], "more": True})
            metrics.CACHE_REBUILDS.labels(self._instance).inc()
        except _FAILURES as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if self.in_step:
            log.warning(
                "partition %d: the hot cache is away (%s); the board reads PostgreSQL", self._partition, told(error)
            )
        self._standing = None
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        metrics.CACHE_FAILURES.labels(self._instance).inc()
