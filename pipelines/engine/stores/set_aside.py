"""Events set aside: quarantined ones, which may not take effect, and parked ones, which wait in stream order (I4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.writes import Write

_EVENTS = named_sql(__package__, "parked_events")
_QUARANTINE = named_sql(__package__, "quarantine_add")
_SETTLE = named_sql(__package__, "quarantine_settle")
_PARK = named_sql(__package__, "parked_add")
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


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was done about the message in quarantine at a place, and by whom; event `by_offset` of an order says so.

    `settled_at` is when the log recorded that event.
    """

    partition: int
    stream_offset: int
    how: str
    author: str
    order_no: int
    by_offset: int
    settled_at: datetime


def quarantines(rows: Sequence[QuarantineRow]) -> Write:
    """Return what sets bad events aside."""
    return Write(
        "quarantine_add",
        _QUARANTINE,
        (
            [row.partition for row in rows],
            [row.stream_offset for row in rows],
            [row.reason for row in rows],
            [_text(row.detail) for row in rows],
            [_text(row.source) for row in rows],
            [_text(row.event_id) for row in rows],
            [_text(row.event_type) for row in rows],
            [_text(row.subject) for row in rows],
            [row.body for row in rows],
            [row.recorded_at for row in rows],
        ),
    )


def settlements(rows: Sequence[Settlement]) -> Write:
    """Return what says of messages in quarantine that they wait no longer; of each place there is one row at most.

    The message may be set aside by the same batch.
    """
    columns = [list(column) for column in zip(*map(astuple, rows), strict=True)]
    return Write("quarantine_settle", _SETTLE, tuple(columns), apart=True)


def parks(rows: Sequence[ParkedRow]) -> Write:
    """Return what sets good events aside until their order is released."""
    return Write(
        "parked_add",
        _PARK,
        (
            [row.order_no for row in rows],
            [row.stream_offset for row in rows],
            [row.partition for row in rows],
            [row.identity for row in rows],
            [_text(row.reason) for row in rows],
            [row.body for row in rows],
            [row.recorded_at for row in rows],
        ),
    )


async def parked_events(connection: asyncpg.Connection, order_nos: Sequence[int]) -> list[asyncpg.Record]:
    """Return the parked events of these orders, each order's in stream order."""
    if not order_nos:
        return []
    rows: list[asyncpg.Record] = await connection.fetch(_EVENTS, order_nos)
    return rows


def forgets(keys: Sequence[tuple[int, int]]) -> Write:
    """Return what removes events that were released, by (order_no, stream_offset)."""
    return Write("parked_forget", _FORGET, ([order_no for order_no, _ in keys], [offset for _, offset in keys]))


def renews(reasons: Mapping[tuple[int, int], str]) -> Write:
    """Return what says anew why events wait, by (order_no, stream_offset)."""
    keys, texts = list(reasons), [_text(reason) for reason in reasons.values()]
    return Write("parked_renew", _RENEW, ([order_no for order_no, _ in keys], [offset for _, offset in keys], texts))


def _text(value: str | None) -> str | None:
    """Text PostgreSQL can store, however broken: no NUL, no half characters, not longer than anyone would read."""
    if value is None:
        return None
    return value.encode("utf-8", "replace").decode().replace("\x00", "�")[:1000]
