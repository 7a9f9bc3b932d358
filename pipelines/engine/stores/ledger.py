"""The ledger: which events have taken effect, or wait parked. An event is in it once, for ever (I2)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.packed_rows import BIGINT, BOOLEAN, BYTEA, SMALLINT

_LOOK_UP = named_sql(__package__, "ledger_look_up")
_RELEASE = named_sql(__package__, "ledger_release")

ROW_TYPE = "ledger_row"

_ROW = Struct("!iiiqii16siiqiihiiqii?").pack

Key = tuple[int, bytes]
"""(order_no, identity)."""


class Asked(NamedTuple):
    """An event as the ledger is asked for it: its order's id, or its number where that is known."""

    order_id: str | None
    order_no: int | None
    identity: bytes


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


class LedgerRow(NamedTuple):
    """One event's entry."""

    order_no: int
    identity: bytes
    content: int
    partition: int
    stream_offset: int
    parked: bool


async def look_up(connection: asyncpg.Connection, asked: Sequence[Asked]) -> list[Found]:
    """Return what is known, in the order asked. Of events asked for by their order's number: only those it has."""
    if not asked:
        return []
    rows = await connection.fetch(_LOOK_UP, *zip(*asked, strict=True))
    return sorted(Found(*row) for row in rows)


def packed(row: LedgerRow) -> bytes:
    """Return the entry as a `ledger_row`."""
    return _ROW(
        6, BIGINT, 8, row.order_no, BYTEA, 16, row.identity, BIGINT, 8, row.content,
        SMALLINT, 2, row.partition, BIGINT, 8, row.stream_offset, BOOLEAN, 1, row.parked,
    )  # fmt: skip


async def mark_released(connection: asyncpg.Connection, keys: Sequence[Key]) -> None:
    """Note that parked events have taken effect."""
    if keys:
        await connection.execute(_RELEASE, [order_no for order_no, _ in keys], [identity for _, identity in keys])
