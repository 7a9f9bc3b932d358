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
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.stores.writes import Write
from pipelines.flows.views import tables
from pipelines.flows.views.erased import Erased, read_erased
from pipelines.flows.views.rows import card_of, spot_of, state_of
from pipelines.flows.views.tables import Change
from processors.orders.fold import fold
from schemas.envelope import Envelope, Identified
from schemas.lifecycle import FINAL, Stage
from schemas.orders import Released, parse
from schemas.views import OrderState, TimelineEntry, is_order

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
        self._erased = Erased()

    def parse(self, body: bytes) -> Identified:
        """Return the event. Raises EventRejected or UnknownVersion."""
        return parse(body)

    def fold(
        self, state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
    ) -> tuple[OrderState, TimelineEntry]:
        """Return the order's state after the event, and its place in the story."""
        return fold(state, event, offset, recorded_at, self._erased)

    def releases(self, event: Envelope) -> bool:
        """Say whether an operator asks to try the order's parked events again."""
        return isinstance(event, Released)

    def redacted(self, body: bytes) -> bytes:
        """Return the body, or nothing where it names an erased customer."""
        return b"" if self._erased.named_in(body) else body

    def hides(self, messages: Sequence[QuarantineRow]) -> list[Write]:
        """Return what empties those messages that are of an erased customer's order."""
        return self._erased.hides(messages)

    async def begin(self, connection: asyncpg.Connection) -> None:
        """Read the list of erased customers. It only grows: of two partitions, the one that asked first may be answered
        last."""
        self._erased |= await read_erased(connection)

    async def load(self, connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, OrderState]:
        """Return the present state of those orders that have one."""
        found = await tables.load(connection, order_nos)
        for order_no, state in found.items():
            self._erased.hide_in(order_no, state)
        return found

    def writes(self, partition: int, changes: Sequence[Change]) -> list[Write]:
        """Return what writes orders, counts and timeline."""
        return tables.writes(partition, changes)

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
        changes = [change for change in changes if is_order(change.after)]
        for change in changes:
            before = None if change.before is None else spot_of(change.before)
            after = spot_of(change.after)
            if wanted(before, after):
                cards.append(CardChange(change.after.order_id, card_of(change.after, partition), before, after))
        deltas = tables.count_deltas(changes)
        return cards, {f"{stage}|{partner}": number.orders for (stage, partner), number in deltas.items()}

    async def snapshot(
        self, connection: asyncpg.Connection, partition: int
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        """Return the latest cards of each lane, and the counts."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await self.begin(connection)
            rows = await connection.fetch(_SNAPSHOT_COUNTS, partition)
            orders: Counter[str] = Counter()
            for row in rows:
                orders[row["stage"]] += row["orders"]
            lanes = {stage: min(max(orders[stage], 0), LANE_LENGTH) for stage in Stage if stage not in FINAL}
            found = await connection.fetch(_SNAPSHOT_OPEN, partition, list(lanes), list(lanes.values()))
            for stage in FINAL:
                found += await connection.fetch(_SNAPSHOT_CLOSED, partition, stage, LANE_LENGTH)
        states = [state_of(row) for row in found]
        for row, state in zip(found, states, strict=True):
            self._erased.hide_in(row["order_no"], state)
        cards = [CardChange(state.order_id, card_of(state, partition), None, spot_of(state)) for state in states]
        return cards, {f"{row['stage']}|{row['partner']}": row["orders"] for row in rows}

    def announcement(self, changes: Sequence[Change]) -> dict[str, Any]:
        """Return which orders changed: id, revision and stage, at most a hundred of them."""
        if not changes:
            return {}
        orders = [[c.after.order_id, c.after.revision, c.after.stage] for c in changes[:_ANNOUNCED_ORDERS]]
        return {"orders": orders, "more": len(changes) > _ANNOUNCED_ORDERS}
