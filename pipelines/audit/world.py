"""The expected world: what the stream alone says should be in the stores, in a temporary SQLite file.

Memory stays flat however many events there are; the file takes about 200 bytes an event in the system's folder for
temporary files (`TMPDIR`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson

from pipelines.audit.fold import Standing, step
from pipelines.audit.messages import Event, Rejected
from pipelines.engine.stores.named_sql import named_sql
from schemas.errors import Reason
from schemas.lifecycle import Stage

_ORDERS = named_sql(__package__, "world_orders")
_KEEP_ORDER = named_sql(__package__, "world_keep_order")
_KEEP_EVENT = named_sql(__package__, "world_keep_event")
_EVENTS_OF = named_sql(__package__, "world_events_of")
_REJECTED_BETWEEN = named_sql(__package__, "world_rejected_between")
_ACCEPTED_AT = named_sql(__package__, "world_accepted_at")
_REUSED = named_sql(__package__, "world_reused")
_KNOWN = "SELECT content FROM events WHERE number = ? AND identity = ?"
_REJECT = "INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_PAGE_CACHE_KIB = 64 * 1024
_EPOCH, _MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)


class Record(NamedTuple):
    """One message as it was read; `body` is the digest of its bytes, `customers` are those of all whom it names."""

    offset: int
    recorded_at: datetime
    body: bytes
    customers: bytes
    message: Event | Rejected


class Expected(NamedTuple):
    """An accepted event, and where its order stands after it."""

    offset: int
    identity: bytes
    content: int
    recorded_ms: int
    source: str
    event_id: str
    event_type: str
    event_us: int
    trace_id: str | None
    readable: bool
    body: bytes
    stage: str
    partner: str | None
    amount: str | None
    currency: str | None
    settles: str | None
    customer: bytes | None

    @property
    def event_time(self) -> datetime:
        """What the event says of its time, in UTC; `event_us` is that in microseconds since 1970."""
        return _EPOCH + self.event_us * _MICROSECOND


class RejectedRecord(NamedTuple):
    """A message that must stand in quarantine; `body` and `customers` are as in `Record`."""

    partition: int
    offset: int
    reason: str
    why: str
    order_id: str | None
    event_id: str | None
    body: bytes
    customers: bytes


class ReusedId(NamedTuple):
    """A source and id that several orders have, and two of these."""

    source: str
    event_id: str
    orders: int
    one: str
    another: str


@dataclass(slots=True)
class Tally:
    """What one partition holds: records read, events accepted, duplicates among them, messages for the quarantine."""

    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Order:
    number: int
    standing: Standing | None


class World:
    """Takes the stream's records in, partition by partition in stream order, and answers what should be."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sqlite = connection
        self._orders = 0

    def take(self, partition: int, records: Sequence[Record], tally: Tally) -> None:
        """Take the next records of a partition in, and count them. The first of an identity in an order is accepted."""
        with self.batch():
            self._take(partition, records, tally)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write what the block writes in one go. After an exception the world is of no use."""
        self.sqlite.execute("BEGIN")
        yield
        self.sqlite.execute("COMMIT")

    def _take(self, partition: int, records: Sequence[Record], tally: Tally) -> None:
        orders = self._load({r.message.order_id for r in records if isinstance(r.message, Event)})
        for record in records:
            message = record.message
            tally.records += 1
            if isinstance(message, Rejected):
                self._reject(partition, record, message, tally)
                continue
            order = orders.get(message.order_id)
            if order is None:
                self._orders += 1
                order = orders[message.order_id] = _Order(self._orders, None)
            known = self.sqlite.execute(_KNOWN, (order.number, message.identity)).fetchone()
            if known is None:
                self._accept(order, record, message)
                tally.accepted += 1
            elif known[0] == message.content:
                tally.duplicates += 1
            else:
                why = "other content than the first event with this source and id"
                conflict = Rejected(Reason.CONFLICT, why, message.order_id, message.event_id)
                self._reject(partition, record, conflict, tally)
        rows = [(o.number, order_id, partition, *_columns(o.standing)) for order_id, o in orders.items()]
        self.sqlite.executemany(_KEEP_ORDER, rows)

    def events_of(self, order_ids: Iterable[str]) -> dict[str, list[Expected]]:
        """Return the accepted events of these orders, each order's in stream order; unknown orders are left out."""
        found: dict[str, list[Expected]] = {}
        for order_id, *columns in self.sqlite.execute(_EVENTS_OF, (_as_json(order_ids),)):
            found.setdefault(order_id, []).append(Expected._make(columns))
        for events in found.values():
            events.sort()
        return found

    @property
    def orders(self) -> int:
        """How many orders have an accepted event."""
        return self._orders

    def rejected_between(self, after: tuple[int, int], up_to: tuple[int, int]) -> Iterator[RejectedRecord]:
        """Give the messages for the quarantine behind one (partition, offset) up to and with another, in order."""
        yield from map(RejectedRecord._make, self.sqlite.execute(_REJECTED_BETWEEN, (*after, *up_to)))

    def accepted_at(self, partition: int, offset: int) -> tuple[str, str, str] | None:
        """Return order id, source and event id of the accepted event at this place; None where none is."""
        # Asked only where something is wrong, so the index is made when first needed.
        self.sqlite.execute("CREATE INDEX IF NOT EXISTS events_place ON events (stream_offset)")
        found: tuple[str, str, str] | None = self.sqlite.execute(_ACCEPTED_AT, (offset, partition)).fetchone()
        return found

    def reused_ids(self) -> Iterator[ReusedId]:
        """Give each source and id that more than one order has: a producer's error."""
        yield from map(ReusedId._make, self.sqlite.execute(_REUSED))

    def _load(self, order_ids: Iterable[str]) -> dict[str, _Order]:
        rows = self.sqlite.execute(_ORDERS, (_as_json(order_ids),))
        return {
            order_id: _Order(number, None if stage is None else Standing(Stage(stage), partner, amount, currency))
            for order_id, number, stage, partner, amount, currency in rows
        }

    def _accept(self, order: _Order, record: Record, event: Event) -> None:
        # An event this release cannot read has no meaning here; its order must be parked from it on.
        standing = step(order.standing, event) if event.readable else order.standing
        order.standing = standing
        offset, recorded_at, body, _, _ = record
        event_us = (event.time - _EPOCH) // _MICROSECOND
        names = (event.source, event.event_id, event.event_type, event_us, event.trace_id, event.readable)
        stage, *rest = _columns(standing)
        row = (order.number, event.identity, event.content, offset, milliseconds(recorded_at), *names, body)
        self.sqlite.execute(_KEEP_EVENT, (*row, stage or Stage.UNOPENED, *rest, event.settles, event.customer))

    def _reject(self, partition: int, record: Record, message: Rejected, tally: Tally) -> None:
        named = (message.order_id, message.event_id, record.body, record.customers)
        row = (partition, record.offset, message.reason, message.why, *named)
        self.sqlite.execute(_REJECT, row)
        tally.rejected += 1


@contextmanager
def empty_world() -> Iterator[World]:
    """Give an empty world, and remove its file afterwards."""
    with TemporaryDirectory(prefix="warren-audit-") as folder:
        connection = sqlite3.connect(Path(folder) / "world.sqlite", isolation_level=None)
        try:
            # The file never outlives this block: nothing of it needs to be safe.
            for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_PAGE_CACHE_KIB}", "temp_store=FILE"):
                connection.execute(f"PRAGMA {pragma}")
            connection.executescript(named_sql(__package__, "world_tables"))
            yield World(connection)
        finally:
            connection.close()


def milliseconds(moment: datetime) -> int:
    """Return a moment as whole milliseconds since 1970, as a stream's chunks have it."""
    return round(moment.timestamp() * 1000)


def _columns(standing: Standing | None) -> tuple[Any, ...]:
    if standing is None:
        return None, None, None, None
    return str(standing.stage), standing.partner, standing.amount, standing.currency


def _as_json(texts: Iterable[str]) -> str:
    return orjson.dumps(list(texts)).decode()
