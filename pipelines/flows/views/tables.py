"""The view tables: orders on their way and finished ones, their timelines, and the counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from pipelines.engine.instance.projection import OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.flows.views import timeline
from pipelines.flows.views.rows import COLUMNS, changing_of, row_of, state_of
from schemas.lifecycle import FINAL
from schemas.views import NO_PARTNER, OrderState, TimelineEntry

_LOAD_OPEN = named_sql(__package__, "load_open")
_LOAD_CLOSED = named_sql(__package__, "load_closed")
_UPDATE_OPEN = named_sql(__package__, "update_open")
_UPDATE_CLOSED = named_sql(__package__, "update_closed")
_CLOSE = named_sql(__package__, "close_orders")
_COUNT = named_sql(__package__, "count_orders")

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


async def store(connection: asyncpg.Connection, partition: int, changes: Sequence[Change]) -> None:
    """Write the orders' new states, their timeline entries and the counts."""
    await _store_orders(connection, partition, changes)
    await timeline.append(connection, partition, changes)
    deltas = sorted(count_deltas(changes).items())
    if deltas:
        stages, partners = [key[0] for key, _ in deltas], [key[1] for key, _ in deltas]
        await connection.execute(_COUNT, partition, stages, partners, [number for _, number in deltas])


def count_deltas(changes: Sequence[Change]) -> dict[tuple[str, str], int]:
    """Return by how much the number of orders in each (stage, partner) changes; zeros are left out."""
    deltas: dict[tuple[str, str], int] = {}
    for change in changes:
        key = change.after.stage, change.after.partner or NO_PARTNER
        deltas[key] = deltas.get(key, 0) + 1
        if change.before is not None:
            key = change.before.stage, change.before.partner or NO_PARTNER
            deltas[key] = deltas.get(key, 0) - 1
    return {key: number for key, number in deltas.items() if number}


async def _store_orders(connection: asyncpg.Connection, partition: int, changes: Sequence[Change]) -> None:
    opened: list[tuple[Any, ...]] = []
    closed: list[tuple[Any, ...]] = []
    left: list[int] = []
    changed: dict[str, list[Change]] = {_UPDATE_OPEN: [], _UPDATE_CLOSED: []}
    for change in sorted(changes, key=lambda c: c.order_no):
        was_final = change.before is not None and change.before.stage in FINAL
        if was_final:
            changed[_UPDATE_CLOSED].append(change)
        elif change.after.stage in FINAL:
            # `stage_recorded_at` is when the log recorded the end: it names the month the row belongs to.
            row = row_of(change.order_no, partition, change.after)
            closed.append((*row, change.after.stage_recorded_at))
            if change.before is not None:
                left.append(change.order_no)
        elif change.before is None:
            opened.append(row_of(change.order_no, partition, change.after))
        else:
            changed[_UPDATE_OPEN].append(change)
    if left:
        await connection.execute(_CLOSE, left)
    for statement, some in changed.items():
        if some:
            columns = zip(*(changing_of(change.after) for change in some), strict=True)
            await connection.execute(statement, [change.order_no for change in some], *columns)
    if opened:
        await connection.copy_records_to_table("open_orders", records=opened, columns=list(COLUMNS))
    if closed:
        await connection.copy_records_to_table("closed_orders", records=closed, columns=[*COLUMNS, "closed_at"])
