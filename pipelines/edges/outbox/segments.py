"""Rows go by whole segments, which take turns in taking events: emptying one costs nothing, whatever it holds."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import asyncpg

from pipelines.engine.stores.named_sql import named_sql

log = logging.getLogger(__name__)

_TURN = named_sql(__package__, "segment_turn")
_CURRENT = named_sql(__package__, "segment_current")
_UNSETTLED = named_sql(__package__, "segment_unsettled")
_ROWS = named_sql(__package__, "segment_rows")


async def turn(connection: asyncpg.Connection) -> None:
    """Let the next segment take new events, where it is empty. Raises whatever the database does."""
    await connection.execute(_TURN)


async def reclaim(connection: asyncpg.Connection, settled: str, segments: Iterable[int]) -> int:
    """Empty those of the segments that take no new events and hold nothing but what the snapshot `settled` sees.

    Returns how many rows went. One that is in use is left for the next time. Raises whatever the database does.
    """
    gone = 0
    current = await connection.fetchval(_CURRENT)
    for segment in sorted(set(segments) - {current}):
        try:
            gone += await _empty(connection, settled, segment)
        except asyncpg.LockNotAvailableError:
            log.warning("segment %d is in use; its rows stay until the next audit", segment)
    return gone


async def _empty(connection: asyncpg.Connection, settled: str, segment: int) -> int:
    async with connection.transaction():
        # Somebody who saw this segment take events may write to it only now: nobody can from here on, and what they
        # wrote is seen below.
        await connection.execute("SET LOCAL lock_timeout = '1s'")
        await connection.execute(f"LOCK TABLE event_{segment} IN ACCESS EXCLUSIVE MODE")
        if await connection.fetchval(_UNSETTLED, settled, segment):
            return 0
        rows: int = await connection.fetchval(_ROWS, segment)
        await connection.execute(f"TRUNCATE event_{segment}")
        return rows
