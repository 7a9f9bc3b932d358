"""A month leaves: its rows are written and verified, then one transaction takes them away and notes where they are.

    lock        of the timeline's month: nobody may write to it from here on, all may read
    write       files, then the manifest; a manifest that is there already is that of an attempt that ended here
    verify      the files, read back, against the rows
    swap        timeline: detach and drop; orders: from closed_orders to archived_orders; and the note, all or nothing

Whatever ends it before the swap has committed, the month is in the database, and the next run begins with it again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

import asyncpg

from pipelines.edges.archive.ahead import ahead
from pipelines.edges.archive.datasets import ORDERS, TIMELINE, Dataset
from pipelines.edges.archive.errors import ArchiveDamaged, ArchiveError
from pipelines.edges.archive.manifest import FILE, Manifest
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.months import MonthState, survey
from pipelines.edges.archive.progress import Step, Told
from pipelines.edges.archive.resting import resting
from pipelines.edges.archive.rows import Partition, partition_at_once
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.verifying import compare, load_manifest
from pipelines.edges.archive.working import LONG, alone, in_thread, patiently
from pipelines.edges.archive.writing import clear, write
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql

_TIMELINE_LEAVES = named_sql(__package__, "timeline_leaves")
_ORDERS_LEAVE = named_sql(__package__, "orders_leave")
_LEFT = named_sql(__package__, "month_left")
_BOUND = named_sql(__package__, "bound")
_HAS_BOUND = named_sql(__package__, "has_bound")

ARCHIVED_ORDERS = "archived_orders"

# Readers need not wait for either. The first keeps writers out, of whom there are none; the second only the vacuum, for
# which no swap would wait long enough.
_LOCK = {TIMELINE.name: "SHARE", ORDERS.name: "SHARE UPDATE EXCLUSIVE"}


async def archive(settings: Settings, instance: InstanceName, now: datetime, told: Told) -> list[MonthState]:
    """Let every month leave that may, oldest first; return those that have left, and those that wait.

    Raises:
        SettingsError: there is no such address as the archive's.
        ArchiveBusy: somebody else is at it, or holds the tables.
        ArchiveDamaged: the files are not what was written.
        ArchiveAway, StoreUnavailable, StreamUnavailable, or any of DATABASE_ERRORS.
    """
    store = Store(settings.archive_url)
    async with alone(settings, instance) as connection:
        states = [state for state in await survey(connection, settings, now) if state.state == "waiting"]
        for place, state in enumerate(states):
            if state.due:
                dataset, month = state.dataset, state.month
                made = await _leave(connection, store, settings.postgres_dsn, instance.schema, dataset, month, told)
                states[place] = replace(state, state="archived", why="", rows=made.rows, size=made.size)
        return states


async def _leave(
    connection: asyncpg.Connection, store: Store, dsn: str, schema: str, dataset: Dataset, month: Month, told: Told
) -> Manifest:
    partition, folder = dataset.partition(month), dataset.folder(schema, month)
    if dataset is ORDERS:
        await bind(connection, partition, month)
    async with connection.transaction():
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await connection.execute(f"LOCK TABLE {partition} IN {_LOCK[dataset.name]} MODE", timeout=LONG)

        def to_files(told: Told) -> tuple[Manifest, bytes]:
            with partition_at_once(dsn, dataset, f'"{schema}".{partition}') as rows:
                made = _written(store, folder, dataset, month, rows, told)
                return made, hashlib.sha256(store.read(f"{folder}/{FILE}")).digest()

        async with resting(connection, told) as rests:
            made, digest = await in_thread(to_files, rests)

        async def swap() -> None:
            query = _TIMELINE_LEAVES if dataset is TIMELINE else _ORDERS_LEAVE
            names = {"partition": partition, "archived": ARCHIVED_ORDERS + month.suffix}
            await connection.execute(query.format(**names, begin=month.begin, end=month.end))
            await connection.execute(_LEFT, dataset.name, month.day, folder, made.rows, made.size, digest)
            told(Step(dataset.name, month, "swapping"))

        await patiently(connection, [dataset.table, partition], swap)
    told(Step(dataset.name, month, "swapped"))
    return made


def _written(store: Store, folder: str, dataset: Dataset, month: Month, partition: Partition, told: Told) -> Manifest:
    """Have the rows in files that were compared with them."""
    there = partition.count()
    told(Step(dataset.name, month, "begun", there))
    if FILE in store.names(folder):
        made = load_manifest(store, folder)
        try:
            with ahead(partition.rows()) as tables:
                compare(store, folder, dataset, month, made, tables, told)
            return made
        except ArchiveDamaged as error:
            if dataset is TIMELINE:  # its rows never change: these are somebody else's, or broken
                raise ArchiveError(
                    f"{folder} has another archive of {month}, or a broken one; move it away, then run it again"
                ) from error
            told(Step(dataset.name, month, "begun", there))
    clear(store, folder)
    told(Step(dataset.name, month, "cleared"))
    with ahead(partition.rows()) as tables:
        made = write(store, folder, dataset, month, tables, told)
    if made.rows != there:
        raise ArchiveDamaged(
            f"{folder}: {made.rows} rows were written, the database counts {there}; the rows stay there"
        )
    with ahead(partition.rows()) as tables:
        compare(store, folder, dataset, month, load_manifest(store, folder), tables, told)
    return made


async def bind(connection: asyncpg.Connection, partition: str, month: Month) -> None:
    """Have a month of orders bound by a constraint, so that it can be attached elsewhere without being read."""

    async def add() -> None:
        await connection.execute(_BOUND.format(partition=partition, begin=month.begin, end=month.end))

    if not await connection.fetchval(_HAS_BOUND, partition):
        await patiently(connection, [partition], add)
    await connection.execute(f"ALTER TABLE {partition} VALIDATE CONSTRAINT bound", timeout=LONG)
