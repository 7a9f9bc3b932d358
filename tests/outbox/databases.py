"""A service's database with its outbox, without anything else: made anew, dropped afterwards."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cli.localservers import Addresses, unique_run_name
from pipelines.edges.outbox.installation import install

ANOTHER_SERVER = "TESTS_OUTBOX_POSTGRES"
"""The environment variable that names another PostgreSQL for the outboxes, by a superuser's DSN."""


def server_of(servers: Addresses) -> str:
    """Return the DSN of the server that the outboxes are in."""
    return os.environ.get(ANOTHER_SERVER, servers.postgres_dsn)


@asynccontextmanager
async def outbox_in(server: str, *, encoding: str | None = None, source: str = "/shop") -> AsyncIterator[str]:
    """Give the DSN of a new database on `server`, with an outbox in it."""
    async with database_on(server, encoding=encoding) as dsn:
        await install(dsn, source)
        yield dsn


@asynccontextmanager
async def database_on(server: str, *, encoding: str | None = None, template: str | None = None) -> AsyncIterator[str]:
    """Give the DSN of a new database, of an encoding or like another; whoever is still in it at the end is put out."""
    name = unique_run_name("outbox")
    how = "" if template is None else f" TEMPLATE {template}"
    connection = await asyncpg.connect(server)
    try:
        if encoding is not None:
            # Only this locale goes with every encoding; since 15 it has to be said whose it is.
            whose = " LOCALE_PROVIDER libc" if connection.get_server_version().major >= 15 else ""
            how = f" TEMPLATE template0 ENCODING '{encoding}'{whose} LC_COLLATE 'C' LC_CTYPE 'C'"
        await connection.execute(f"CREATE DATABASE {name}{how}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            await drop(connection, name)
    finally:
        await connection.close()


async def drop(connection: asyncpg.Connection, name: str) -> None:
    """Drop a database that others may still be connected to. PostgreSQL 12 cannot by itself."""
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await connection.execute(f"DROP DATABASE IF EXISTS {name}")
