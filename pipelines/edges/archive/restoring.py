"""A month comes back into the database. Its files stay where they are.

aside       the timeline's rows go into a table that nobody sees, and are compared with the files;
            the orders' month gets the indexes of closed_orders, while it is in use
swap        both tables take their months, and the notes go, all or nothing
"""

from __future__ import annotations

import asyncpg
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from pipelines.edges.archive.ahead import ahead
from pipelines.edges.archive.datasets import ORDERS, TIMELINE
from pipelines.edges.archive.errors import ArchiveError
from pipelines.edges.archive.leaving import ARCHIVED_ORDERS, bind
from pipelines.edges.archive.manifest import Manifest
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.months import Archived, archived_months
from pipelines.edges.archive.progress import Step, Told
from pipelines.edges.archive.rows import file_rows, partition_at_once
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.verifying import compare, load_manifest
from pipelines.edges.archive.working import LONG, alone, in_thread, patiently
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from schemas.errors import StoreUnavailable, said

_ASIDE = named_sql(__package__, "timeline_aside")
_TIMELINE_RETURNS = named_sql(__package__, "timeline_returns")
_ORDERS_RETURN = named_sql(__package__, "orders_return")
_ATTEMPTS = named_sql(__package__, "attempts")
_BACK = named_sql(__package__, "month_is_back")
_WANTED = named_sql(__package__, "indexes_wanted")
_WITHOUT_PARENT = named_sql(__package__, "indexes_without_parent")


async def restore(settings: Settings, instance: InstanceName, month: Month, told: Told) -> list[Archived]:
    """Bring a month back, and return what came. Where it raises, the month is as archived as it was.

    Raises:
        SettingsError: there is no such address as the archive's.
        ArchiveError: the month has not left, or rows came to it since.
        ArchiveBusy, ArchiveDamaged, ArchiveAway, StoreUnavailable, or any of DATABASE_ERRORS.
    """
    store = Store(settings.archive_url)
    async with alone(settings, instance) as connection:
        gone = {one.dataset: one for one in await archived_months(connection) if one.month == month}
        if not gone:
            raise ArchiveError(f"{month} is not in the archive; see `warren archive status`")
        for one in gone.values():
            table = (TIMELINE if one.dataset == TIMELINE.name else ORDERS).partition(month)
            await _make_room(connection, table, month)
        if TIMELINE.name in gone:
            await _timeline_aside(connection, store, settings.postgres_dsn, instance.schema, gone[TIMELINE.name], told)
        if ORDERS.name in gone:
            await _orders_indexed(connection, month)
            told(Step(ORDERS.name, month, "indexed"))

        async def swap() -> None:
            if ORDERS.name in gone:
                await connection.execute(_filled(_ORDERS_RETURN, month))
            if TIMELINE.name in gone:
                await connection.execute(_filled(_TIMELINE_RETURNS, month))
            for name in gone:
                await connection.execute(_BACK, name, month.day)
            told(Step(TIMELINE.name, month, "swapping"))

        await patiently(connection, [TIMELINE.table, ORDERS.table, ARCHIVED_ORDERS], swap)
        told(Step(TIMELINE.name, month, "swapped"))
    return list(gone.values())


async def forget_attempts(connection: asyncpg.Connection) -> None:
    """Remove what restores that were ended have left aside. To be called by who is alone."""
    for row in await connection.fetch(_ATTEMPTS):
        await connection.execute(f'DROP TABLE "{row["relname"]}"')


async def _make_room(connection: asyncpg.Connection, table: str, month: Month) -> None:
    """Remove the empty partition that is made for a log that is read again."""
    if await connection.fetchval("SELECT to_regclass($1) IS NULL", table):
        return
    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 - a name of ours
        raise ArchiveError(f"table {table} has rows that came after {month} had left; look into it, and move them away")

    async def drop() -> None:
        await connection.execute(f"DROP TABLE {table}")

    await patiently(connection, [table], drop)


async def _timeline_aside(
    connection: asyncpg.Connection, store: Store, dsn: str, schema: str, gone: Archived, told: Told
) -> None:
    month, aside = gone.month, _aside(gone.month)
    await connection.execute(_filled(_ASIDE, month))
    told(Step(TIMELINE.name, month, "begun", gone.rows))

    def fill(told: Told) -> Manifest:
        made = load_manifest(store, gone.path, gone.manifest)

        try:
            with dbapi.connect(dsn) as writing, writing.cursor() as cursor:
                with ahead(file_rows(store, gone.path, made, TIMELINE.schema)) as tables:
                    for table in tables:
                        cursor.adbc_ingest(aside, table, mode="append", db_schema_name=schema)
                        told(Step(TIMELINE.name, month, "written", table.num_rows))
                writing.commit()
        except Error as error:
            raise StoreUnavailable(f"PostgreSQL did not take the rows of {month}: {said(error)}") from error
        return made

    made = await in_thread(fill, told)
    key = ", ".join(TIMELINE.sequence)
    await connection.execute(f"ALTER TABLE {aside} ADD PRIMARY KEY ({key})", timeout=LONG)
    told(Step(TIMELINE.name, month, "indexed"))

    def check(told: Told) -> None:
        with partition_at_once(dsn, TIMELINE, f'"{schema}".{aside}') as partition, ahead(partition.rows()) as tables:
            compare(store, gone.path, TIMELINE, month, made, tables, told)

    await in_thread(check, told)


async def _orders_indexed(connection: asyncpg.Connection, month: Month) -> None:
    """Give the month all indexes it will need, while its orders are read and changed."""
    table = ARCHIVED_ORDERS + month.suffix
    await bind(connection, table, month)
    for row in await connection.fetch(_WITHOUT_PARENT, table):  # of an attempt before this one, perhaps half made
        await connection.execute(f"DROP INDEX CONCURRENTLY {row['name']}", timeout=LONG)
    for row in await connection.fetch(_WANTED):
        definition = row["definition"].partition(" USING ")[2]
        await connection.execute(f"CREATE INDEX CONCURRENTLY ON {table} USING {definition}", timeout=LONG)


def _aside(month: Month) -> str:
    return f"restored_{TIMELINE.table}{month.suffix}"  # sql/attempts.sql knows it


def _filled(query: str, month: Month) -> str:
    return query.format(
        aside=_aside(month),
        partition=(ORDERS if query is _ORDERS_RETURN else TIMELINE).partition(month),
        archived=ARCHIVED_ORDERS + month.suffix,
        begin=month.begin,
        end=month.end,
    )
