"""Pipeline `views`: where every order is, its whole story, and how many are in each stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from pipelines.engine.instance.projection import Wanted
from pipelines.engine.stores.cache import LANE_LENGTH, CardChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.flows.views import tables
from pipelines.flows.views.rows import card_of, lane_score, state_of
from pipelines.flows.views.tables import Change
from processors.orders.fold import fold
from schemas.envelope import Envelope, Identified
from schemas.lifecycle import FINAL, Stage
from schemas.orders import Released, parse
from schemas.views import OrderState, TimelineEntry

_MAKE_MONTH = named_sql(__package__, "make_month")
_SNAPSHOT_COUNTS = named_sql(__package__, "snapshot_counts")
_SNAPSHOT_CLOSED = named_sql(__package__, "snapshot_closed")
_SNAPSHOT_OPEN = named_sql(__package__, "snapshot_open")

_ANNOUNCED_ORDERS = 100


class Views:
    """The `Projection` of the read views. One for all partitions of a process."""

    row_types: Sequence[str] = tables.ROW_TYPES

    def __init__(self) -> None:
        self._months: set[tuple[int, int]] = set()

    def parse(self, body: bytes) -> Identified:
        """Return the event. Raises EventRejected or UnknownVersion."""
        return parse(body)

    def fold(
        self, state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
    ) -> tuple[OrderState, TimelineEntry]:
        """Return the order's state after the event, and its place in the story."""
        return fold(state, event, offset, recorded_at)

    def releases(self, event: Envelope) -> bool:
        """Say whether an operator asks to try the order's parked events again."""
        return isinstance(event, Released)

    async def load(self, connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, OrderState]:
        """Return the present state of those orders that have one."""
        return await tables.load(connection, order_nos)

    async def store(self, connection: asyncpg.Connection, partition: int, changes: Sequence[Change]) -> None:
        """Write orders, timeline and counts."""
        await tables.store(connection, partition, changes)

    async def prepare(self, connection: asyncpg.Connection, recorded: Sequence[datetime]) -> None:
        """Have the months' partitions, also those of a log that began long ago, and the next one."""
        for moment in recorded:
            month = (moment.year, moment.month)
            if month not in self._months:
                await connection.execute(_MAKE_MONTH, moment)
                self._months.add(month)

    def cards(
        self, changes: Sequence[Change], partition: int, wanted: Wanted
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        """Return the changed orders' cards, as far as they are wanted, and the differences of counts."""
        cards = []
        for change in changes:
            before = "" if change.before is None else change.before.stage
            if wanted(before, change.after.stage, lane_score(change.after)):
                cards.append(card_of(change.after, partition, before))
        return cards, {f"{stage}|{partner}": n for (stage, partner), n in tables.count_deltas(changes).items()}

    async def snapshot(
        self, connection: asyncpg.Connection, partition: int
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        """Return the newest cards of each lane, and the counts."""
        cards: list[CardChange] = []
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(_SNAPSHOT_COUNTS, partition)
            missing: Counter[str] = Counter()
            for row in rows:
                missing[row["stage"]] += row["orders"]
            for stage in FINAL:
                found = await connection.fetch(_SNAPSHOT_CLOSED, partition, stage, LANE_LENGTH)
                cards += [card_of(state_of(row), partition, "") for row in found]
            cards += await self._newest_open(connection, partition, {s: missing[s] for s in Stage if s not in FINAL})
        return cards, {f"{row['stage']}|{row['partner']}": row["orders"] for row in rows}

    @staticmethod
    async def _newest_open(
        connection: asyncpg.Connection, partition: int, orders: Mapping[str, int]
    ) -> list[CardChange]:
        """Return the newest cards of the open lanes: walk all orders from the newest on, until the lanes are full."""
        missing = {stage: min(number, LANE_LENGTH) for stage, number in orders.items()}
        left = sum(missing.values())
        cards: list[CardChange] = []
        if left:
            async for row in connection.cursor(_SNAPSHOT_OPEN, partition, prefetch=1000):
                if missing[row["stage"]]:
                    missing[row["stage"]] -= 1
                    left -= 1
                    cards.append(card_of(state_of(row), partition, ""))
                    if not left:
                        break
        return cards

    def announcement(self, changes: Sequence[Change]) -> dict[str, Any]:
        """Return which orders changed: id, revision and stage, at most a hundred of them."""
        if not changes:
            return {}
        orders = [[c.after.order_id, c.after.revision, c.after.stage] for c in changes[:_ANNOUNCED_ORDERS]]
        return {"orders": orders, "more": len(changes) > _ANNOUNCED_ORDERS}
