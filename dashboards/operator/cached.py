"""Answers from the hot cache, believed only where they are whole and not behind what Postgres had committed (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboards.operator.hot_cache import CacheAway, HotCache
from dashboards.operator.metrics import Metrics
from dashboards.operator.rows import Board, Card, Lane, Standing
from pipelines.engine.stores.cache import PartitionBoard
from schemas.lifecycle import Stage
from schemas.streams import partition_of

CATCH_UP_SECONDS = 0.1
"""What the pipeline may need between its commit and the cache: one that is behind is asked again after this."""


class NotInCache(Exception):
    """The cache has no whole answer. `reason`: miss, behind or away."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cached:
    """The cache's view of a standing. `board` and `card` return None where Postgres has to be asked."""

    def __init__(self, cache: HotCache, metrics: Metrics) -> None:
        self._cache = cache
        self._metrics = metrics

    async def board(self, standing: Standing, stages: Sequence[Stage], limit: int) -> Board | None:
        """The lanes of `stages`, each with the `limit` cards that came last, and all counts."""
        for again in (True, False):
            try:
                found = await self._board(standing, stages, limit)
            except NotInCache as why:
                if again and why.reason == "behind":
                    await asyncio.sleep(CATCH_UP_SECONDS)
                    continue
                self._metrics.cache_read(why.reason)
                return None
            self._metrics.cache_read("hit")
            return found
        return None

    async def card(self, standing: Standing, order_id: str) -> Card | None:
        """One order's card."""
        try:
            card = await self._card(standing, order_id)
        except NotInCache as why:
            self._metrics.cache_read(why.reason)
            return None
        self._metrics.cache_read("hit")
        return card

    async def shown(self, standing: Standing, order_id: str) -> tuple[int, int]:
        """The order's partition, and the offset at which the board shows it; zero where the cache cannot tell."""
        if not standing.positions:
            return 0, 0
        home = standing.positions[partition_of(order_id, len(standing.positions))].partition
        try:
            return home, await self._cache.offset(standing.instance, home) or 0
        except CacheAway:
            return home, 0

    async def _board(self, standing: Standing, stages: Sequence[Stage], limit: int) -> Board:
        partitions = [position.partition for position in standing.positions]
        try:
            parts = await self._cache.board(standing.instance, partitions, stages, limit)
        except CacheAway as error:
            raise NotInCache("away") from error
        there = [part for part in parts if part is not None]
        if not there or len(there) < len(partitions):
            raise NotInCache("miss")
        if any(part.offset < position.next_offset for part, position in zip(there, standing.positions, strict=True)):
            raise NotInCache("behind")
        lanes = tuple(_lane(stage, there, limit) for stage in stages)
        offsets = {partition: part.offset for partition, part in zip(partitions, there, strict=True)}
        return Board("cache", lanes, _counts(there), offsets, standing)

    async def _card(self, standing: Standing, order_id: str) -> Card:
        if not standing.positions:
            raise NotInCache("miss")
        home = standing.positions[partition_of(order_id, len(standing.positions))]
        try:
            offset, body = await self._cache.card(standing.instance, home.partition, order_id)
        except CacheAway as error:
            raise NotInCache("away") from error
        if offset is None or body is None:
            raise NotInCache("miss")
        if offset < home.next_offset:
            raise NotInCache("behind")
        return _card(body)


def _lane(stage: Stage, parts: Sequence[PartitionBoard], limit: int) -> Lane:
    orders = 0
    cards: list[Card] = []
    for part in parts:
        here = sum(number for field, number in part.counts.items() if field.startswith(f"{stage}|"))
        found = [_card(body) for body in part.lanes[stage] if body is not None]
        if len(found) < min(limit, here):
            raise NotInCache("miss")
        orders += here
        cards += found
    cards.sort(key=lambda card: (card.stage_since, card.order_id), reverse=True)
    return Lane(stage, orders, tuple(cards[:limit]))


def _counts(parts: Sequence[PartitionBoard]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for part in parts:
        for field, number in part.counts.items():
            if number:
                stage, _, partner = field.partition("|")
                partners = counts.setdefault(stage, {})
                partners[partner] = partners.get(partner, 0) + number
    return counts


def _card(body: bytes) -> Card:
    try:
        return Card.from_json(body)
    except (ValueError, TypeError) as error:
        # Written by another release: Postgres can tell.
        raise NotInCache("miss") from error
