"""Reads: the hot cache first, Postgres behind it; many who ask Postgres the same at once ask once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from dashboards.operator.cached import Cached
from dashboards.operator.database import Database
from dashboards.operator.hot_cache import CacheAway, HotCache
from dashboards.operator.metrics import Metrics
from dashboards.operator.order.past import as_it_was
from dashboards.operator.outboxes import Outbox, Outboxes
from dashboards.operator.rows import Board, Card, Standing, Story
from dashboards.operator.shared import Shared
from pipelines.edges.outbox.reports import Report
from schemas.errors import StoreError
from schemas.lifecycle import Stage

REUSE_SECONDS = 1.0
"""An answer of Postgres serves for so long; its age is shown."""

PATIENCE_SECONDS = 0.25
"""How long to wait for Postgres to say where the pipeline stands, when an earlier standing is at hand."""

CATCH_UP_SECONDS = 1.0
"""How long an order is waited for, where the cache has later events of its partition than a replica does."""

_AGAIN_SECONDS = 0.05


class Reads:
    """All the board reads. Every method raises StoreError where neither store can give a right answer."""

    def __init__(self, cache: HotCache, database: Database, metrics: Metrics) -> None:
        self._cache = cache
        self._cached = Cached(cache, metrics)
        self._database = database
        self._standings: Shared[Standing] = Shared(REUSE_SECONDS, ahead=REUSE_SECONDS / 2)  # no frame is to wait for it
        self._boards: Shared[Board] = Shared(REUSE_SECONDS)
        self._cards: Shared[Card | None] = Shared(REUSE_SECONDS)
        self._outboxes: Shared[Outboxes] = Shared(REUSE_SECONDS)
        self._known: Standing | None = None
        self._known_outboxes = Outboxes()

    async def close(self) -> None:
        """Give up what is under way."""
        for shared in (self._standings, self._boards, self._cards, self._outboxes):
            await shared.close()

    async def standing(self) -> Standing:
        """Where the pipeline stands, as Postgres said within the last second."""
        return await self._standings.get("standing", self._ask_standing)

    async def standing_now(self) -> Standing:
        """Where the pipeline stands, asked for this very moment."""
        return await self._ask_standing()

    async def board(self, stages: Sequence[Stage], limit: int) -> Board:
        """The counts of `stages` and the `limit` orders that came last into each, the latest first."""
        standing, away = await self.latest_standing()
        board = await self._cached.board(standing, stages, limit)
        if board is not None:
            return replace(board, database_away=away)
        return await self._boards.get((tuple(stages), limit), lambda: self._database.board(stages, limit))

    async def card(self, order_id: str) -> Card | None:
        """One order as it stands, None where there is none of exactly that id."""
        standing, _ = await self.latest_standing()
        card = await self._cached.card(standing, order_id)
        if card is not None:
            return card
        return await self._cards.get(order_id, lambda: self._database.card(order_id))

    async def story(self, order_id: str) -> Story | None:
        """One order with its whole timeline, from Postgres and the archive; None where there is none of exactly that
        id.

        It is as new as what the board shows; a replica that is behind is waited for a while.
        """
        standing, _ = await self.latest_standing()
        partition, shown = await self._cached.shown(standing, order_id)
        deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
        while True:
            story, of = await self._database.story(order_id)
            if of.instance != standing.instance or of.reaches(partition, shown):
                return story
            if asyncio.get_running_loop().time() >= deadline:
                return None if story is None else replace(story, behind=True)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def past(self, order_id: str, at: datetime) -> Story | None:
        """One order as the log had it `at` a moment; None where it had none of that id then.

        Raises Erased or NotReadable where that cannot be told.
        """
        story = await self.story(order_id)
        if story is None:
            return None
        if story.missing:
            raise StoreError(story.why)
        # Asked second: it has all events that the story has.
        story = as_it_was(story, await self._database.bodies(order_id, at), at)
        return story if story.timeline or story.parked else None

    async def event(self, order_id: str, stream_offset: int) -> bytes | None:
        """The raw bytes of one of an order's events, None where it has none at that offset."""
        return await self._database.event(order_id, stream_offset)

    async def outboxes(self) -> Outboxes:
        """How the services' outboxes stood, as reported within the last seconds. Raises nothing."""
        return await self._outboxes.get("outboxes", self._ask_outboxes)

    async def _ask_outboxes(self) -> Outboxes:
        try:
            bodies = await self._cache.outboxes()
        except CacheAway:
            return replace(self._known_outboxes, away=True)
        self._known_outboxes = Outboxes(tuple(found for found in map(_outbox, bodies) if found is not None))
        return self._known_outboxes

    async def _ask_standing(self) -> Standing:
        self._known = await self._database.standing()
        return self._known

    async def latest_standing(self) -> tuple[Standing, bool]:
        """Where the pipeline stands; or the last that is known of that, and True, where Postgres is away or slow."""
        if self._known is None:
            return await self.standing(), False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self.standing(), False
        except (StoreError, TimeoutError):
            return self._known, True


def _outbox(body: bytes) -> Outbox | None:
    try:
        report = Report.from_json(body)
        return Outbox(report.lag, datetime.fromtimestamp(report.at, UTC))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None  # another release's: its relay will be upgraded, or the board
