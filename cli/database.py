"""A look into the database: the tables of the version of pipeline `views` that is live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.errors import StoreBehind

PIPELINE = "views"

CLOSE_SECONDS = 2.0

_USE_LIVE = named_sql(__package__, "use_live")


@dataclass(frozen=True, slots=True)
class Live:
    """A connection that only reads, and whose unqualified names mean the tables of `instance`."""

    connection: asyncpg.Connection
    instance: InstanceName


@asynccontextmanager
async def live_views(settings: Settings) -> AsyncIterator[Live]:
    """Connect to the write database, so that what is shown is not older than what has committed.

    Raises:
        StoreBehind: nothing was migrated here yet.
        Any of CONNECTION_LOST: the server is away.
    """
    connection = await connect(settings.postgres_dsn, application="warren command")
    try:
        try:
            version = await connection.fetchval(_USE_LIVE, PIPELINE)
        except asyncpg.UndefinedTableError:
            version = None
        if version is None:
            raise StoreBehind(f"no version of pipeline {PIPELINE!r} is live here; run `warren migrate`")
        yield Live(connection, InstanceName(PIPELINE, version))
    finally:
        await connection.close(timeout=CLOSE_SECONDS)
