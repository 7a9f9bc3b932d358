"""The ledger: which events have taken effect, or wait parked. An event is in it once, for ever (I2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from struct import Struct
from typing import NamedTuple

import asyncpg

from pipelines.engine.stores.binary_copy import copy_rows
from pipelines.engine.stores.named_sql import named_sql

_NUMBERS = named_sql(__package__, "order_numbers")
_OPEN = named_sql(__package__, "order_open")
_KNOWN = named_sql(__package__, "ledger_known")
_RELEASE = named_sql(__package__, "ledger_release")

_ROW = Struct("!hiqi16siqihiqi?").pack

Key = tuple[int, bytes]
"""(order_no, identity)."""


class LedgerRow(NamedTuple):
    """One event's entry."""

    order_no: int
    identity: bytes
    content: int
    partition: int
    stream_offset: int
    parked: bool


async def order_numbers(
    connection: asyncpg.Connection, first_seen: Mapping[str, datetime]
) -> tuple[dict[str, int], set[int]]:
    """Return every order's number, given those not seen before one, and the set of the new ones.

    `first_seen` maps order id to when the log recorded its first event of this batch.
    """
    numbers = {row["order_id"]: row["order_no"] for row in await connection.fetch(_NUMBERS, list(first_seen))}
    unknown = sorted(order_id for order_id in first_seen if order_id not in numbers)
    opened: set[int] = set()
    if unknown:
        rows = await connection.fetch(_OPEN, unknown, [first_seen[order_id] for order_id in unknown])
        for row in rows:
            numbers[row["order_id"]] = row["order_no"]
            opened.add(row["order_no"])
    return numbers, opened


async def known_contents(connection: asyncpg.Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """Return the content digests of those events that are in the ledger already."""
    if not keys:
        return {}
    rows = await connection.fetch(_KNOWN, [order_no for order_no, _ in keys], [identity for _, identity in keys])
    return {(row["order_no"], row["identity"]): row["content"] for row in rows}


async def record(connection: asyncpg.Connection, rows: Iterable[LedgerRow]) -> None:
    """Enter new events. A second entry of the same event is a UniqueViolationError: roll back and redo."""
    await copy_rows(connection, "ledger", LedgerRow._fields, [_packed(row) for row in sorted(rows)])


def _packed(row: LedgerRow) -> bytes:
    return _ROW(
        6, 8, row.order_no, 16, row.identity, 8, row.content, 2, row.partition, 8, row.stream_offset, 1, row.parked
    )


async def mark_released(connection: asyncpg.Connection, keys: Sequence[Key]) -> None:
    """Note that parked events have taken effect."""
    if keys:
        await connection.execute(_RELEASE, [order_no for order_no, _ in keys], [identity for _, identity in keys])
