"""Connections to PostgreSQL, and which of its errors mean what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from asyncpg import exceptions

from pipelines.engine.stores.packed_rows import accept_rows
from schemas.errors import SettingsError

CONNECT_SECONDS = 10.0

ANSWER_SECONDS = 30.0
"""A statement not answered by then ends with TimeoutError: the link may be dead without either side knowing."""

CONNECTION_LOST = (
    OSError,
    TimeoutError,
    exceptions.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, crash, or terminated by a takeover
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,  # others have them all: as good as away, and it passes
    exceptions.InternalClientError,
)
"""After one of these nothing is known of the transaction in hand; only a look at the checkpoint tells."""

DATABASE_ERRORS = (exceptions.PostgresError, *CONNECTION_LOST)
"""Whatever the database can do to us. A processor waits and tries again: no error of I/O skips or parks an event."""

TRY_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError, asyncpg.SerializationError)
"""Rolled back for certain, and likely to pass when done anew."""


BY_KEY = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
"""Settings of a connection that only ever looks up by key, and walks lanes in order: what was planned while a table
was small stays right, so nothing need be planned twice."""


async def connect(
    dsn: str,
    schema: str | None = None,
    *,
    application: str = "warren",
    planning: Mapping[str, str] | None = None,
    row_types: Sequence[str] = (),
) -> asyncpg.Connection:
    """Return a connection whose unqualified names mean `schema`.

    `planning` are settings of the planner's; of the composite types `row_types` it takes packed rows.

    Raises:
        SettingsError: the DSN is not one.
        Any of CONNECTION_LOST: the server is away.
    """
    settings: dict[str, Any] = {
        "application_name": application,
        # A client that vanished without a word is noticed within half a minute, and its locks are freed.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "4",
        **(planning or {}),
    }
    if schema is not None:
        settings["search_path"] = f'"{schema}"'
    try:
        connection: asyncpg.Connection = await asyncpg.connect(
            dsn, timeout=CONNECT_SECONDS, command_timeout=ANSWER_SECONDS, server_settings=settings
        )
    except (exceptions.ClientConfigurationError, ValueError, OverflowError) as error:
        raise SettingsError(f"WARREN_POSTGRES_DSN: {error}") from error
    if row_types:
        await accept_rows(connection, row_types)
    return connection
