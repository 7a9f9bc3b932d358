"""Answers from the hot cache, believed only where they are whole and not behind what Postgres had committed (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from dashboards.operator.hot_cache import CacheAway, HotCache
from dashboards.operator.metrics import Metrics
from dashboards.operator.parts import NotInCache, Part, card_of, counts_of, lane_of
from dashboards.operator.rows import Board, Card, Standing
from schemas.lifecycle import Stage
from schemas.streams import partition_of

CATCH_UP_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.05)
"""The pipeline needs a moment between commit and cache: one that is behind is asked again after each of these."""

REMEMBERED = 16
"""So many boards are remembered, each of other lanes: of what has not changed since, nothing is read or made again."""


@dataclass(frozen=True, slots=True)
class _Last:
    """What a question was answered last: its parts, by partition, and what was made of them."""

    parts: Mapping[int, Part]
    answer: Board | None


_NOTHING = _Last({}, None)


class Cached:
    """The cache's view of a standing. `board` and `card` return None where Postgres has to be asked."""

    def __init__(self, cache: HotCache, metrics: Metrics) -> None:
        self._cache = cache
        self._metrics = metrics
        self._last: dict[Hashable, _Last] = {}

    async def board(self, standing: Standing, stages: Sequence[Stage], limit: int) -> Board | None:
        """The lanes of `stages`, each with the `limit` cards that came last, and all counts."""
        waits = iter(CATCH_UP_SECONDS)
        while True:
            try:
                found = await self._board(standing, stages, limit)
            except NotInCache as why:
                wait = next(waits, None)
                if wait is not None and why.reason == "behind":
                    await asyncio.sleep(wait)
                    continue
                self._metrics.cache_read(why.reason)
                return None
            self._metrics.cache_read("hit")
            return found

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
        question = (standing.instance, tuple(stages), limit)
        last = self._last.get(question, _NOTHING)
        known = {partition: part.board for partition, part in last.parts.items()}
        try:
            boards = await self._cache.board(standing.instance, partitions, stages, limit, known)
        except CacheAway as error:
            raise NotInCache("away") from error
        there = [board for board in boards if board is not None]
        if not there or len(there) < len(partitions):
            raise NotInCache("miss")
        if any(board.offset < position.next_offset for board, position in zip(there, standing.positions, strict=True)):
            raise NotInCache("behind")
        parts = {
            partition: last.parts[partition] if known.get(partition) is board else Part(board)
            for partition, board in zip(partitions, there, strict=True)
        }
        answer = last.answer
        if answer is None or parts != last.parts:
            lanes = tuple(lane_of(stage, list(parts.values()), limit) for stage in stages)
            offsets = {partition: board.offset for partition, board in zip(partitions, there, strict=True)}
            answer = Board("cache", lanes, counts_of(list(parts.values())), offsets, standing)
            self._last.pop(question, None)
            self._last[question] = _Last(parts, answer)
            while len(self._last) > REMEMBERED:
                del self._last[next(iter(self._last))]
        return replace(answer, standing=standing)

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
        return card_of(body)
