"""Events set aside: quarantined ones, which may not take effect, and parked ones, which wait in stream order (I4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from pipelines.engine.stores.named_sql import named_sql

_EVENTS = named_sql(__package__, "parked_events")
_FORGET = named_sql(__package__, "parked_forget")
_RENEW = named_sql(__package__, "parked_renew")

BEHIND = "waits behind the order's first parked event"
"""The reason of a parked event that has nothing wrong with itself."""


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A bad event with all that is known of it; `body` is the raw message where it has no readable body."""

    partition: int
    stream_offset: int
    reason: str
    detail: str
    source: str | None
    event_id: str | None
    event_type: str | None
    subject: str | None
    body: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A good event of an order that cannot go on."""

    order_no: int
    stream_offset: int
    partition: int
    identity: bytes
    reason: str
    body: bytes
    recorded_at: datetime


async def quarantine(connection: asyncpg.Connection, rows: Iterable[QuarantineRow]) -> None:
    """Set bad events aside."""
    records = [
        (
            row.partition,
            row.stream_offset,
            row.reason,
            _text(row.detail),
            _text(row.source),
            _text(row.event_id),
            _text(row.event_type),
            _text(row.subject),
            row.body,
            row.recorded_at,
        )
        for row in rows
    ]
    if records:
        await connection.copy_records_to_table(
            "quarantine", records=records, columns=list(QuarantineRow.__dataclass_fields__)
        )


async def park(connection: asyncpg.Connection, rows: Iterable[ParkedRow]) -> None:
    """Set good events aside until their order is released."""
    records = [
        (r.order_no, r.stream_offset, r.partition, r.identity, _text(r.reason), r.body, r.recorded_at) for r in rows
    ]
    if records:
        await connection.copy_records_to_table("parked", records=records, columns=list(ParkedRow.__dataclass_fields__))


async def parked_events(connection: asyncpg.Connection, order_nos: Sequence[int]) -> list[asyncpg.Record]:
    """Return the parked events of these orders, each order's in stream order."""
    if not order_nos:
        return []
    rows: list[asyncpg.Record] = await connection.fetch(_EVENTS, order_nos)
    return rows


async def forget_parked(connection: asyncpg.Connection, keys: Sequence[tuple[int, int]]) -> None:
    """Remove events that were released, by (order_no, stream_offset)."""
    if keys:
        await connection.execute(_FORGET, [order_no for order_no, _ in keys], [offset for _, offset in keys])


async def renew_reasons(connection: asyncpg.Connection, reasons: Mapping[tuple[int, int], str]) -> None:
    """Say anew why events wait, by (order_no, stream_offset)."""
    if reasons:
        keys = list(reasons)
        texts = [_text(reason) for reason in reasons.values()]
        await connection.execute(_RENEW, [order_no for order_no, _ in keys], [offset for _, offset in keys], texts)


def _text(value: str | None) -> str | None:
    """Text PostgreSQL can store, however broken: no NUL, no half characters, not longer than anyone would read."""
    if value is None:
        return None
    return value.encode("utf-8", "replace").decode().replace("\x00", "�")[:1000]
