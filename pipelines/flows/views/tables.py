"""The view tables: orders on their way and finished ones, their timelines, and the counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from pipelines.engine.instance.projection import OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.writes import Write
from pipelines.flows.views import items, settled, stays, timeline
from pipelines.flows.views.rows import packed, state_of
from schemas.lifecycle import FINAL
from schemas.views import NO_PARTNER, OrderState, TimelineEntry, is_order

_LOAD_OPEN = named_sql(__package__, "load_open")
_LOAD_CLOSED = named_sql(__package__, "load_closed")
_CHANGE = named_sql(__package__, "open_orders_change")
_ADD = named_sql(__package__, "open_orders_add")
_REMOVE = named_sql(__package__, "open_orders_remove")
_CLOSE = named_sql(__package__, "closed_orders_add")
_CHANGE_CLOSED = named_sql(__package__, "closed_orders_change")
_CHANGE_ARCHIVED = named_sql(__package__, "archived_orders_change")
_COUNT = named_sql(__package__, "counts_add")

ROW_TYPES = ("order_row", "stay_row", "timeline_row")
"""The composite types whose rows are passed packed."""

Change = OrderChange[OrderState, TimelineEntry]


async def load(connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, OrderState]:
    """Return the states of those orders that have one."""
    if not order_nos:
        return {}
    found = {row["order_no"]: state_of(row) for row in await connection.fetch(_LOAD_OPEN, order_nos)}
    missing = [order_no for order_no in order_nos if order_no not in found]
    if missing:
        found |= {row["order_no"]: state_of(row) for row in await connection.fetch(_LOAD_CLOSED, missing)}
    return found


def writes(partition: int, changes: Sequence[Change]) -> list[Write]:
    """Return what writes the orders' new states, the counts, and the timeline entries."""
    everything = sorted(changes, key=lambda change: change.order_no)
    changes = [change for change in everything if is_order(change.after)]
    changed: list[bytes] = []
    opened: list[bytes] = []
    left: list[int] = []
    ended: list[bytes] = []
    after_end: list[bytes] = []
    for change in changes:
        row = packed(change.order_no, partition, change.after)
        if change.before is not None and change.before.stage in FINAL:
            after_end.append(row)
        elif change.after.stage in FINAL:
            ended.append(row)
            if change.before is not None:
                left.append(change.order_no)
        elif change.before is None:
            opened.append(row)
        else:
            changed.append(row)
    deltas = count_deltas(changes)
    stages, partners = [stage for stage, _ in deltas], [partner for _, partner in deltas]
    orders, odd = [number.orders for number in deltas.values()], [number.odd for number in deltas.values()]
    found = [
        Write("open_orders_change", _CHANGE, (changed,)),
        Write("open_orders_add", _ADD, (opened,)),
        Write("open_orders_remove", _REMOVE, (left,)),
        Write("closed_orders_add", _CLOSE, (ended,)),
        Write("counts_add", _COUNT, (partition, stages, partners, orders, odd)),
        *stays.writes(partition, changes),
    ]
    if after_end:
        found.append(Write("closed_orders_change", _CHANGE_CLOSED, (after_end,)))
        found.append(Write("archived_orders_change", _CHANGE_ARCHIVED, (after_end,)))
    return [*found, *items.writes(changes), *settled.writes(everything), *timeline.adds(partition, everything)]


class Counted(NamedTuple):
    """A number of orders, and how many of them have an anomaly."""

    orders: int = 0
    odd: int = 0


def count_deltas(changes: Sequence[Change]) -> dict[tuple[str, str], Counted]:
    """Return by how much the numbers of orders in each (stage, partner) change; what does not change is left out."""
    deltas: dict[tuple[str, str], Counted] = {}
    for change in changes:
        _count(deltas, change.after, 1)
        if change.before is not None:
            _count(deltas, change.before, -1)
    return {key: number for key, number in deltas.items() if number != (0, 0)}


def _count(deltas: dict[tuple[str, str], Counted], state: OrderState, orders: int) -> None:
    key = state.stage, state.partner or NO_PARTNER
    so_far = deltas.get(key, _NONE)
    deltas[key] = Counted(so_far.orders + orders, so_far.odd + (orders if state.anomalies else 0))


_NONE = Counted()
