"""Rows for a statement's argument that is an array of a composite type, put together by their table's own code.

Formats: `array_recv` and `record_recv` of PostgreSQL
(https://github.com/postgres/postgres/blob/REL_17_STABLE/src/backend/utils/adt/rowtypes.c). A row is the number of its
columns (32 bits), then each column as its type's OID, its length (32 bits each; a length of -1: null) and its bytes.
Numbers of fixed width pack together in one `struct.Struct`; that, and encoding a word once however often it comes, is
why rows made here cost a third of those made value by value. An argument, unlike COPY, needs no round trip of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from struct import Struct

import asyncpg

BOOLEAN, BYTEA, BIGINT, TEXT, DOUBLE, TIMESTAMPTZ = 16, 17, 20, 25, 701, 1184
"""Type OIDs, the same in every PostgreSQL; for the fixed part of a row."""

INT8, INT4, INT2, MOMENT = (Struct("!ii").pack(*head) for head in ((BIGINT, 8), (23, 4), (21, 2), (TIMESTAMPTZ, 8)))
"""What stands before each `bigint`, `integer`, `smallint` and `timestamptz` that is not null: OID and length."""

_NUMERIC, _TEXT_ARRAY = 1700, 1009

_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

_length = Struct("!i").pack
_head = Struct("!ii").pack
_array_head = Struct("!iiiii").pack
_double = Struct("!iid").pack
_numeric_head = Struct("!iihhHh").pack

_NULL_TEXT, _NULL_DOUBLE, _NULL_NUMERIC = _head(TEXT, -1), _head(DOUBLE, -1), _head(_NUMERIC, -1)
_NO_WORDS = _head(_TEXT_ARRAY, 12) + Struct("!iii").pack(0, 0, TEXT)

_ROW_TYPES = """
    SELECT name, t.oid, t.typarray FROM unnest($1::text[]) AS name JOIN pg_type t ON t.oid = to_regtype(name)
"""


async def accept_rows(connection: asyncpg.Connection, row_types: Sequence[str]) -> None:
    """Let lists of rows packed by this module stand for arrays of these composite types."""
    for name, row_type, array_type in await connection.fetch(_ROW_TYPES, row_types):
        # The driver's public method refuses codecs for arrays; its registry of codecs takes them.
        registry = connection._protocol.get_settings()
        registry.add_python_codec(array_type, f"{name}[]", "", [], "scalar", partial(_array, row_type), bytes, "binary")


def binary(value: bytes) -> bytes:
    """Return a `bytea` column."""
    return _head(BYTEA, len(value)) + value


def text(value: str | None) -> bytes:
    """Return a `text` column; None is null."""
    if value is None:
        return _NULL_TEXT
    encoded = value.encode()
    return _text_head(len(encoded)) + encoded


@lru_cache(maxsize=512)
def _text_head(length: int) -> bytes:
    return _head(TEXT, length)


@lru_cache(maxsize=4096)
def word(value: str | None) -> bytes:
    """Return a `text` column of a value that comes again and again, such as a stage or a source; None is null."""
    return text(value)


def words(values: tuple[str, ...]) -> bytes:
    """Return a `text[]` column of values that come again and again."""
    return _words(values) if values else _NO_WORDS


@lru_cache(maxsize=1024)
def _words(values: tuple[str, ...]) -> bytes:
    elements = b"".join(_length(len(encoded)) + encoded for encoded in (value.encode() for value in values))
    return _head(_TEXT_ARRAY, 20 + len(elements)) + _array_head(1, 0, TEXT, len(values), 1) + elements


def double(value: float | None) -> bytes:
    """Return a `double precision` column; None is null."""
    return _NULL_DOUBLE if value is None else _double(DOUBLE, 8, value)


def numeric(value: Decimal | None) -> bytes:
    """Return a `numeric` column with the value's own number of decimal places; None is null.

    Format: `numeric_recv` of PostgreSQL: digits to the base 10,000, the weight of the first, sign, decimal places.
    """
    return _NULL_NUMERIC if value is None else _numeric(str(value))


@lru_cache(maxsize=4096)
def _numeric(text: str) -> bytes:
    # By its text, which an order's price keeps from row to row: of equal numbers, not all have the same places.
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{value} is no number to store")
    written = f"{value:f}"
    whole, _, fraction = written.lstrip("-").partition(".")
    places = len(fraction)
    groups_behind = -(-places // 4)
    rest = int(whole + fraction.ljust(4 * groups_behind, "0"))
    groups: list[int] = []
    while rest:
        rest, group = divmod(rest, 10_000)
        groups.append(group)
    weight = len(groups) - groups_behind - 1 if groups else 0
    digits = b"".join(group.to_bytes(2, "big") for group in reversed(groups))
    sign = 0x4000 if groups and value.is_signed() else 0
    return _numeric_head(_NUMERIC, 8 + len(digits), len(groups), weight, sign, places) + digits


def moment(time: datetime) -> int:
    """Return a `timestamptz` as the 64-bit number its column holds: microseconds since the year 2000 began."""
    return (time - _EPOCH) // _MICROSECOND


chunk_moment = lru_cache(maxsize=4096)(moment)
"""`moment` for chunks' times, each of which many events share."""


def _array(row_type: int, rows: Sequence[bytes]) -> bytes:
    if not rows:
        return Struct("!iii").pack(0, 0, row_type)
    parts = [part for row in rows for part in (_length(len(row)), row)]
    return b"".join((_array_head(1, 0, row_type, len(rows), 1), *parts))
