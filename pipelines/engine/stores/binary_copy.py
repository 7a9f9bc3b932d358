"""Rows for COPY in PostgreSQL's binary format, put together by their table's own code.

Format: https://www.postgresql.org/docs/17/sql-copy.html#SQL-COPY-BINARY. A row is the number of its fields (16 bits),
then each field as its length (32 bits, -1: null) and its bytes. Numbers of fixed width pack together in one
`struct.Struct`; that, and encoding a word once however often it comes, is why rows made here cost a third of those
made value by value.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct

import asyncpg

NULL = b"\xff\xff\xff\xff"
"""A field that is null."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID = 25
_PIECE_ROWS = 1000

_length = Struct("!i").pack
_array_head = Struct("!iiiii").pack
_empty_array = Struct("!iiii").pack
_double = Struct("!id").pack


async def copy_rows(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[bytes]) -> None:
    """Append rows, each already in the binary format with these columns in this order. No rows: nothing happens."""
    if rows:
        await connection.copy_to_table(table, source=_stream(rows), columns=columns, format="binary")


async def _stream(rows: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield _HEADER
    for start in range(0, len(rows), _PIECE_ROWS):
        yield b"".join(rows[start : start + _PIECE_ROWS])
    yield _TRAILER


def binary(value: bytes) -> bytes:
    """Return a `bytea` field."""
    return _length(len(value)) + value


def text(value: str) -> bytes:
    """Return a `text` field."""
    encoded = value.encode()
    return _length(len(encoded)) + encoded


@lru_cache(maxsize=4096)
def word(value: str | None) -> bytes:
    """Return a `text` field of a value that comes again and again, such as a stage or a source."""
    return NULL if value is None else text(value)


@lru_cache(maxsize=1024)
def words(values: tuple[str, ...]) -> bytes:
    """Return a `text[]` field of values that come again and again."""
    if not values:
        return _empty_array(12, 0, 0, _TEXT_OID)
    elements = b"".join(text(value) for value in values)
    return _length(20 + len(elements)) + _array_head(1, 0, _TEXT_OID, len(values), 1) + elements


def double(value: float | None) -> bytes:
    """Return a `double precision` field."""
    return NULL if value is None else _double(8, value)


def moment(time: datetime) -> int:
    """Return a `timestamptz` as the 64-bit number its field holds: microseconds since the year 2000 began."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
