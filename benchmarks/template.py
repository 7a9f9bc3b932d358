"""Databases with a past: made once, then copied for each run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit
from zlib import crc32

import asyncpg

from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.stores.postgres import connect
from pipelines.flows.declared import FLOWS

PATIENCE = 3600.0
"""Time limit in seconds of a statement that makes or copies millions of rows."""

_MIGRATIONS = [
    Path(str(files(package)))
    for package in ("pipelines.engine.stores.migrations", *(flow.migrations.__name__ for flow in FLOWS))
]


class Past(Protocol):
    """What a database may hold already when a run begins."""

    async def copied_to(self, admin_dsn: str, database: str) -> None:
        """Put a copy in place of an empty database; what is copied is made if it is not there."""


async def copy(
    admin_dsn: str, database: str, sizes: str, made_by: bytes, fill: Callable[[asyncpg.Connection], Awaitable[None]]
) -> None:
    """Put a copy of the template `sizes` in place of `database`.

    `fill` makes the template of empty tables, where there is none that was `made_by` the same and by the migrations as
    they are now.
    """
    migrations = b"".join(path.read_bytes() for folder in _MIGRATIONS for path in sorted(folder.rglob("*.sql")))
    template = f"{sizes}{crc32(migrations + made_by):08x}"
    server = await connect(admin_dsn)
    try:
        if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", template):
            for row in await server.fetch("SELECT datname FROM pg_database WHERE datname ^@ $1", sizes):
                await server.execute(f'DROP DATABASE "{row["datname"]}"')  # of tables that were made otherwise
            await _make(server, admin_dsn, template, fill)
        await server.execute(f'DROP DATABASE "{database}"')
        await server.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy', timeout=PATIENCE)
    finally:
        await server.close()


async def _make(
    server: asyncpg.Connection, admin_dsn: str, template: str, fill: Callable[[asyncpg.Connection], Awaitable[None]]
) -> None:
    draft = f"{template}_draft"
    await server.execute(f'CREATE DATABASE "{draft}"')
    dsn = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{draft}"))
    migrate_control(dsn)
    for flow in FLOWS:
        migrate_instance(dsn, flow.name, flow.migrations)
    connection = await connect(dsn, "views_v1")
    try:
        await fill(connection)
    finally:
        await connection.close()
    await server.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')
