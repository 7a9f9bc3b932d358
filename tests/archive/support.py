"""Months that are over, filled as the pipeline fills them, and what is known of them before and after they leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from pipelines.edges.archive import resting, rows, verifying, writing
from pipelines.edges.archive.leaving import archive
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.months import MonthState
from pipelines.edges.archive.progress import Told, nobody
from pipelines.edges.archive.restoring import restore
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from tests.instance.direct import batch, instance, orders_of
from tests.support.events import event, life
from tests.support.runs import Run

VIEWS = InstanceName("views", 1)

SMALL = (
    (rows, "GROUP_ROWS", 4), (rows, "PAGE_ROWS", 5), (writing, "GROUP_ROWS", 4), (verifying, "GROUP_ROWS", 4),
    (writing, "FILE_ROWS", 8), (resting, "REST", 0),
)  # fmt: skip
"""What makes a handful of rows fill several files, and nobody rest for them, as they were recorded long before they
took effect: modules, names, numbers."""

NOW = datetime.now(UTC)
OLD = Month.of(NOW).plus(-6)
"""A month that may leave; so may the one after it, while the one three months ago may not."""

YOUNG = Month.of(NOW).plus(-1)

CLOSED, OPEN, LATE, FRESH = orders_of(0, 4)
"""An order that ended in `OLD`; one that began there and is still open; one that ended later; one that began later."""

ODD: dict[str, Any] = {"text": "ünïcødé \U0001f5ff \\ \" ' \t", "author": "ada"}


def within(month: Month, day: int = 12) -> datetime:
    """Return a moment of the month, with microseconds cut off as the log cuts them."""
    return month.begin + timedelta(days=day - 1, hours=3, milliseconds=7)


def old_events() -> list[dict[str, Any]]:
    """Return what was recorded in `OLD`."""
    return [
        *life(CLOSED),
        *life(OPEN, "initiated", "submitted", "shipped", "initiated"),
        *life(LATE, "initiated", "file_uploaded"),
        event(CLOSED, "note_added", event_id="a note", data=ODD, traceparent=None),
        event(OPEN, "price_calculated", data={"price": {"amount": "0.10", "currency": "EUR"}}),
    ]


def young_events() -> list[dict[str, Any]]:
    """Return what was recorded in `YOUNG`."""
    return [*life(FRESH, "initiated"), *life(LATE, "submitted", "closed"), *life(OPEN, "packaging")]


async def fill(run: Run) -> int:
    """Let orders live in both months; return the next offset of partition 0."""
    async with instance(run) as running:
        old = [{key: value for key, value in e.items() if value is not None} for e in old_events()]
        await running.commit(batch(old, recorded_at=within(OLD)))
        await running.commit(batch(young_events(), len(old), recorded_at=within(YOUNG)))
        return len(old) + len(young_events())


async def commit(run: Run, offset: int, *events: dict[str, Any], recorded_at: datetime = NOW) -> None:
    """Let further events take effect in partition 0."""
    async with instance(run) as running:
        await running.commit(batch(events, offset, recorded_at=recorded_at))


def settings_of(run: Run, folder: Path | str) -> Settings:
    """Return the run's settings with an archive."""
    return run.settings.model_copy(update={"archive_url": str(folder)})


async def leave(settings: Settings, told: Told = nobody, now: datetime = NOW) -> list[MonthState]:
    """Archive what may leave."""
    return await archive(settings, VIEWS, now, told)


async def come_back(settings: Settings, month: Month = OLD, told: Told = nobody) -> None:
    """Restore a month."""
    await restore(settings, VIEWS, month, told)


async def all_rows(connection: asyncpg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of timeline and finished orders that is in the database, wherever it is."""
    timeline = await connection.fetch("SELECT * FROM timeline ORDER BY order_no, stream_offset")
    orders = await connection.fetch(
        "SELECT * FROM (SELECT * FROM closed_orders UNION ALL SELECT * FROM archived_orders) AS ended ORDER BY order_no"
    )
    return {"timeline": [tuple(row) for row in timeline], "orders": [tuple(row) for row in orders]}


async def tables(connection: asyncpg.Connection) -> set[str]:
    """Return which month belongs to which table, and which of its indexes to which of the table's."""
    rows = await connection.fetch(
        """SELECT parent.relname || ' > ' || child.relname AS name
             FROM pg_inherits
             JOIN pg_class AS parent ON parent.oid = inhparent
             JOIN pg_class AS child ON child.oid = inhrelid
            WHERE parent.relnamespace = current_schema()::regnamespace"""
    )
    return {row["name"] for row in rows}


async def indexes(connection: asyncpg.Connection, table: str) -> list[str]:
    """Return the definitions of a table's indexes, names left out."""
    rows = await connection.fetch(
        "SELECT split_part(indexdef, ' USING ', 2) AS d FROM pg_indexes WHERE tablename = $1 ORDER BY 1", table
    )
    return [row["d"] for row in rows]


def month_of(folder: Path, dataset: str = "timeline", month: Month = OLD) -> Path:
    """Return where a month's files are."""
    return folder / VIEWS.schema / dataset / str(month)
