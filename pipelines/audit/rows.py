"""What the stores hold of some orders, all of one moment, read in short read-only transactions; and the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from pipelines.audit.archived import ArchivedTimeline
from pipelines.audit.cutoffs import positions
from pipelines.audit.erased import Erased, read_erased
from pipelines.engine.stores.named_sql import named_sql

_END = named_sql(__package__, "range_end")
_INDEX = named_sql(__package__, "range_index")
_LEDGER = named_sql(__package__, "range_ledger")
_TIMELINE = named_sql(__package__, "range_timeline")
_PARKED = named_sql(__package__, "range_parked")
_VIEWS = named_sql(__package__, "range_views")
_HOLD = named_sql(__package__, "hold_timeline")
_ARCHIVED = named_sql(__package__, "archived_paths")
_SOME_LEDGER = named_sql(__package__, "some_ledger")
_SOME_VIEWS = named_sql(__package__, "some_views")

BEFORE_ALL, AFTER_ALL = -(2**63), 2**63 - 1

Rows = list[asyncpg.Record]

TimelineRow = asyncpg.Record | Mapping[str, Any]
"""From the database, or from the archive: `row["stream_offset"]` and so on is the same."""


@dataclass(slots=True)
class OrderRows:
    """One order's rows; `order_id` is None where the order index does not know the number."""

    order_no: int
    order_id: str | None = None
    ledger: Rows = field(default_factory=list)
    timeline: list[TimelineRow] = field(default_factory=list)
    parked: Rows = field(default_factory=list)
    views: Rows = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Some orders' rows of one moment, at which each partition's events below `positions` had taken effect.

    `end` is the last order number of the range, `erased` the list of erased customers.
    """

    positions: dict[int, int]
    orders: list[OrderRows]
    end: int
    erased: Erased


async def read_range(connection: asyncpg.Connection, archive: ArchivedTimeline, after: int, size: int) -> Snapshot:
    """Return the next `size` orders behind number `after`, and whatever rows lie in between under other numbers.

    The last range ends with AFTER_ALL. Ranges have to be read one behind the other. Raises AuditImpossible where the
    archive cannot be read, or as the database does.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_HOLD)
        at = await positions(connection)
        end = await connection.fetchval(_END, after, size)
        bounds = (after, AFTER_ALL if end is None else end)
        orders = {
            r["order_no"]: OrderRows(r["order_no"], r["order_id"]) for r in await connection.fetch(_INDEX, *bounds)
        }
        for name, query in (("ledger", _LEDGER), ("timeline", _TIMELINE), ("parked", _PARKED), ("views", _VIEWS)):
            _sort_in(orders, name, await connection.fetch(query, *bounds))
        erased = await read_erased(connection)
        paths = [row["path"] for row in await connection.fetch(_ARCHIVED)]
    if paths:
        _sort_in(orders, "timeline", await archive.rows(paths, *bounds))
        for order in orders.values():
            order.timeline.sort(key=lambda row: (row["stream_offset"], row["recorded_at"]))
    return Snapshot(at, [orders[order_no] for order_no in sorted(orders)], bounds[1], erased)


async def read_some(connection: asyncpg.Connection, order_ids: dict[int, str]) -> Snapshot:
    """Return ledger and view rows, and those only, of these orders, given by number. Raises as the database does."""
    numbers = sorted(order_ids)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        at = await positions(connection)
        orders = {order_no: OrderRows(order_no, order_ids[order_no]) for order_no in numbers}
        for name, query in (("ledger", _SOME_LEDGER), ("views", _SOME_VIEWS)):
            _sort_in(orders, name, await connection.fetch(query, numbers))
        erased = await read_erased(connection)
    return Snapshot(at, list(orders.values()), numbers[-1], erased)


def _sort_in(orders: dict[int, OrderRows], name: str, rows: Sequence[TimelineRow]) -> None:
    for row in rows:
        order = orders.get(row["order_no"])
        if order is None:
            order = orders[row["order_no"]] = OrderRows(row["order_no"])
        getattr(order, name).append(row)
