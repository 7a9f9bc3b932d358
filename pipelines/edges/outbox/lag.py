"""How far an outbox is behind, who works on it, and whose open transaction holds orders up."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from pipelines.engine.stores.named_sql import named_sql

COUNTED = 100_000
"""Pending events are counted up to so many."""

WRITERS = 20
"""So many open transactions are named, the oldest first."""

_SOURCE = named_sql(__package__, "outbox_source")
_LAG = named_sql(__package__, "lag")
_WRITERS = named_sql(__package__, "lag_writers")
_RELAY = named_sql(__package__, "lag_relay")


@dataclass(frozen=True, slots=True)
class Writer:
    """An open transaction that has written events: they are published after its commit, and until then other
    transactions wait that write events of the same orders; `waiting` says how many do now.

    `age_s` is in seconds, `query` its last statement. Of another role's transaction only members of `pg_read_all_stats`
    see state, age and statement; they are None to others. `transaction` is a name that no other one has meanwhile.
    """

    pid: int
    transaction: str
    application: str
    state: str | None
    query: str | None
    age_s: float | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Lag:
    """An outbox as it stands. `oldest_s` is the age in seconds of the oldest committed event that is not confirmed.

    `relay_pid` is the database connection of the relay that works; None: nobody relays.
    """

    source: str
    pending: int
    oldest_s: float | None
    relay_pid: int | None
    writers: list[Writer]


async def read_lag(connection: asyncpg.Connection) -> Lag:
    """Look at an outbox, over a connection to its schema. Raises whatever the database does."""
    source = await connection.fetchval(_SOURCE)
    row = await connection.fetchrow(_LAG, COUNTED)
    relay = await connection.fetchrow(_RELAY)
    writers = [Writer(**writer) for writer in await connection.fetch(_WRITERS, WRITERS)]
    return Lag(source, row["pending"], row["oldest_s"], relay["pid"] if relay else None, writers)
