"""One order: what the stream says of it beside what the stores hold, and what the ledger says of its events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from pipelines.audit.erased import Erased
from pipelines.audit.rows import OrderRows, Snapshot
from pipelines.audit.world import Expected, World
from schemas.streams import partition_of


@dataclass(frozen=True, slots=True)
class Order:
    """An order whose number the order index knows.

    `expected` are its accepted events below `cutoff`, in stream order; when its `rows` were read, the events below
    `position` of its home `partition` had taken effect.
    """

    order_id: str
    partition: int
    cutoff: int
    position: int
    expected: list[Expected]
    rows: OrderRows
    erased: Erased

    def names(self, event: Expected | None = None, *, offset: int | None = None) -> dict[str, Any]:
        """Return what names a finding about this order, and the event where there is one."""
        named: dict[str, Any] = {"order_id": self.order_id, "partition": self.partition, "offset": offset}
        if event is not None:
            named |= {"offset": event.offset, "source": event.source, "event_id": event.event_id}
        return named

    def is_later(self, offset: int) -> bool:
        """Whether this is an offset whose event has taken effect, but was not read by the audit."""
        return self.cutoff <= offset < self.position


@dataclass(slots=True)
class Ledgered:
    """What the ledger says of an order's events.

    `due` are those that should have taken effect: all that are not parked, be they in the ledger or not. An event that
    is `missing` where only parked ones could be would be parked too. `strange` are rows of no accepted event.
    `moved`: there are events behind the cutoff. `may_lack` and `must_lack` say of the order whether an erased
    customer's bytes may be, or have to be, gone: of all its events, whichever named the customer.
    """

    rows: dict[bytes, asyncpg.Record] = field(default_factory=dict)
    due: list[Expected] = field(default_factory=list)
    parked: list[Expected] = field(default_factory=list)
    missing: list[Expected] = field(default_factory=list)
    strange: list[asyncpg.Record] = field(default_factory=list)
    moved: bool = False
    may_lack: bool = False
    must_lack: bool = False

    @classmethod
    def of(cls, order: Order) -> Ledgered:
        """Sort an order's events by its ledger rows."""
        says = cls({row["identity"]: row for row in order.rows.ledger})
        accepted = set()
        waiting = {row["stream_offset"] for row in order.rows.parked}
        for event in order.expected:
            accepted.add(event.identity)
            row = says.rows.get(event.identity)
            if row is None:
                says.missing.append(event)
                if not says.parked and event.offset not in waiting:
                    says.due.append(event)
            elif row["parked"]:
                says.parked.append(event)
            else:
                says.due.append(event)
        for identity, row in says.rows.items():
            if identity not in accepted:
                if order.is_later(row["stream_offset"]):
                    says.moved = True
                else:
                    says.strange.append(row)
        customers = {event.customer for event in says.due}
        # A later event may have named an erased customer; then the order's row, of the same moment, says so.
        later = says.moved and any(row["erased"] for row in order.rows.views)
        says.may_lack = later or order.erased.may_lack(customers)
        says.must_lack = order.erased.must_lack(customers)
        return says


def orders_of(snapshot: Snapshot, world: World, cutoffs: dict[int, int]) -> Iterator[Order]:
    """Give the snapshot's orders, those without an entry in the order index left out."""
    known = [rows for rows in snapshot.orders if rows.order_id is not None]
    expected = world.events_of(rows.order_id for rows in known if rows.order_id is not None)
    for rows in known:
        order_id = rows.order_id
        assert order_id is not None
        partition = partition_of(order_id, len(cutoffs))
        position = snapshot.positions.get(partition, 0)
        yield Order(
            order_id, partition, cutoffs[partition], position, expected.get(order_id, []), rows, snapshot.erased
        )
