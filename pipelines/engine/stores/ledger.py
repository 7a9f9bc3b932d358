"""The ledger: which events have taken effect, or wait parked. An event is in it once, for ever (I2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from struct import Struct
from typing import NamedTuple

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.packed_rows import BIGINT, BOOLEAN, BYTEA, INT2, INT8, TEXT, text
from pipelines.engine.stores.writes import Write

_LOOK_UP = named_sql(__package__, "ledger_look_up")
_OPEN = named_sql(__package__, "order_index_open")
_ENTER = named_sql(__package__, "ledger_enter")
_RELEASE = named_sql(__package__, "ledger_release")

ROW_TYPES = ("ledger_row", "ledger_question")
"""The composite types whose rows are passed packed."""

_ROW = Struct("!i8sqii16s8sq8sh8sqii?").pack
_BY_NUMBER = Struct("!iii8sqii16s").pack
_BY_ID = Struct("!iiii16s").pack
_THREE = Struct("!i").pack(3)

Key = tuple[int, bytes]
"""(order_no, identity)."""


class Found(NamedTuple):
    """What is known of the event at `place` of those asked for.

    Its order has the number `order_no`; where that is None, it is new and may have `new_no`, the same for all its
    events. `content` is the digest of what the ledger has under the event's identity, None where it has nothing.
    `waits` says that the order has parked events.
    """

    place: int
    order_no: int | None
    new_no: int | None
    content: int | None
    waits: bool | None


class Opened(NamedTuple):
    """An order seen for the first time: under which number, and when the log recorded its first event."""

    order_id: str
    order_no: int
    opened_at: datetime


class LedgerRow(NamedTuple):
    """One event's entry."""

    order_no: int
    identity: bytes
    content: int
    partition: int
    stream_offset: int
    parked: bool


def by_id(order_id: str, identity: bytes) -> bytes:
    """Return the question for an event of an order whose number is not known."""
    return _THREE + text(order_id) + _BY_ID(BIGINT, -1, BYTEA, 16, identity)


def by_number(order_no: int, identity: bytes) -> bytes:
    """Return the question for an event of an order that has this number."""
    return _BY_NUMBER(3, TEXT, -1, INT8, order_no, BYTEA, 16, identity)


async def look_up(connection: asyncpg.Connection, questions: Sequence[bytes]) -> list[Found]:
    """Return what is known, in the order asked. Of events asked for by their order's number: only those it has.

    Questions that come in the order of their orders are answered faster.
    """
    if not questions:
        return []
    return sorted(Found(*row) for row in await connection.fetch(_LOOK_UP, questions))


def packed(row: LedgerRow) -> bytes:
    """Return the entry as a `ledger_row`."""
    return _ROW(
        6, INT8, row.order_no, BYTEA, 16, row.identity, INT8, row.content, INT2, row.partition,
        INT8, row.stream_offset, BOOLEAN, 1, row.parked,
    )  # fmt: skip


def opens(orders: Collection[Opened]) -> Write:
    """Return what enters the orders under their numbers."""
    columns = (list(column) for column in zip(*sorted(orders), strict=True)) if orders else ([], [], [])
    return Write("order_index_open", _OPEN, tuple(columns))


def enters(rows: Iterable[LedgerRow]) -> Write:
    """Return what enters the events. One that is there already is a UniqueViolationError."""
    return Write("ledger_enter", _ENTER, ([packed(row) for row in sorted(rows)],))


def releases(keys: Sequence[Key]) -> Write:
    """Return what notes that parked events have taken effect."""
    return Write("ledger_release", _RELEASE, ([order_no for order_no, _ in keys], [identity for _, identity in keys]))
