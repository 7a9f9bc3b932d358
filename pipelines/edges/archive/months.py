"""Which months there are, which have left, and which may leave: those that can never get another row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import asyncpg

from pipelines.edges.archive.datasets import DATASETS, Dataset
from pipelines.edges.archive.month import Month
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import partition_count, waiting
from schemas.streams import partition_name

_PARTITIONS = named_sql(__package__, "partitions")
_ARCHIVED = named_sql(__package__, "archived_months")
_POSITIONS = named_sql(__package__, "positions")
_PARKED = named_sql(__package__, "parked_months")

State = Literal["live", "waiting", "archived"]

DUE = "the next `warren archive run` takes it"
"""Why a month that may leave is still there."""


class Archived(NamedTuple):
    """A month of a dataset that has left: its folder, relative to the archive's address, and its manifest's SHA-256."""

    dataset: str
    month: Month
    path: str
    rows: int
    size: int
    manifest: bytes
    archived_at: datetime


@dataclass(frozen=True, slots=True)
class MonthState:
    """A month of a dataset. `live`: too young to leave; `waiting`: it should leave, and `why` says what it waits for.

    `rows` of a month that is still there is what PostgreSQL last counted; `size` is in bytes, there or of its files.
    """

    dataset: Dataset
    month: Month
    state: State
    why: str
    rows: int
    size: int
    archived_at: datetime | None = None

    @property
    def due(self) -> bool:
        """Whether it may leave now."""
        return self.state == "waiting" and self.why == DUE


async def archived_months(connection: asyncpg.Connection) -> list[Archived]:
    """Return the months that have left, oldest first. Raises as the database does."""
    return [Archived(**{**row, "month": Month.of(row["month"])}) for row in await connection.fetch(_ARCHIVED)]


async def look(settings: Settings, instance: InstanceName, now: datetime) -> list[MonthState]:
    """Return what `survey` does. Raises as it does, or any of CONNECTION_LOST."""
    connection = await connect(settings.postgres_dsn, instance.schema, application="warren archive")
    try:
        return await survey(connection, settings, now)
    finally:
        await connection.close(timeout=2)


async def survey(connection: asyncpg.Connection, settings: Settings, now: datetime) -> list[MonthState]:
    """Return every month of every dataset, oldest first.

    Raises StreamUnavailable or StreamMissing where the broker has to be asked, or as the database does.
    """
    gone = {(one.dataset, one.month): one for one in await archived_months(connection)}
    kept_from = Month.of(now).plus(-settings.archive_after_months)
    frontier: _Frontier | None = None
    found = []
    for dataset in DATASETS:
        for row in await connection.fetch(_PARTITIONS, dataset.table):
            name, rows, size = row
            month = Month.parse(name.removeprefix(f"{dataset.table}_").replace("_", "-"))
            if (dataset.name, month) in gone:
                if await connection.fetchval(f"SELECT NOT EXISTS (SELECT FROM {name})"):  # noqa: S608 - a name of ours
                    continue  # made anew for a log that is read again: nothing is in it
                why = f"it has left, and got rows since: a broker's clock went back; look into table {name}"
            elif month >= kept_from:
                found.append(MonthState(dataset, month, "live", "", rows, size))
                continue
            else:
                frontier = frontier or await _frontier(connection, settings, now)
                why = frontier.keeps(month) or DUE
            gone.pop((dataset.name, month), None)
            found.append(MonthState(dataset, month, "waiting", why, rows, size))
    for one in gone.values():
        dataset = next(dataset for dataset in DATASETS if dataset.name == one.dataset)
        found.append(MonthState(dataset, one.month, "archived", "", one.rows, one.size, one.archived_at))
    return sorted(found, key=lambda one: (one.month, DATASETS.index(one.dataset)))


@dataclass(frozen=True, slots=True)
class _Frontier:
    """Which months may still get rows.

    `unread` says of each partition when its first event that has not taken effect was recorded, or may yet be, and
    `parked` of which months events wait, parked: how many, and an order.
    """

    unread: dict[int, datetime]
    parked: dict[Month, tuple[int, str]]

    def keeps(self, month: Month) -> str | None:
        """Return why the month may still get rows; None where it may not."""
        partition, moment = min(self.unread.items(), key=lambda one: one[1])
        if moment < month.end:
            return f"partition {partition} has not been read beyond it; wait for the pipeline, see `warren lag`"
        if month in self.parked:
            events, order_id = self.parked[month]
            return f"events of it wait, parked: {events}, of order {order_id!r} say; `warren parked release` them"
        return None


async def _frontier(connection: asyncpg.Connection, settings: Settings, now: datetime) -> _Frontier:
    # What is appended from here on is recorded now: no month that is over gets it.
    partitions = await partition_count(settings.stream_url, settings.super_stream)
    begins = {row["partition"]: row["next_offset"] for row in await connection.fetch(_POSITIONS)}
    waits = await asyncio.gather(
        *(
            waiting(settings.stream_url, partition_name(settings.super_stream, partition), begins.get(partition, 0))
            for partition in range(partitions)
        )
    )
    unread = {partition: found.oldest or now for partition, found in enumerate(waits)}
    parked = {Month.of(row["month"]): (row["events"], row["order_id"]) for row in await connection.fetch(_PARKED)}
    return _Frontier(unread, parked)
