"""A pipeline of toys: events that fold, events that do not, and events that ask for a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from pipelines.engine.instance.folding import OrderQueue, Parking
from pipelines.engine.instance.projection import Arrived, OrderChange, Wanted
from pipelines.engine.stores.cache import CardChange
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.stores.writes import Write
from schemas.envelope import Envelope, Identified
from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.identity import content_digest, identity

RECORDED = datetime(2026, 3, 12, tzinfo=UTC)

State = tuple[str, ...]
"""The ids of the events that took effect, in that order."""


class Toys:
    """Folds an order's events into the tuple of their ids.

    An event of type `poison.<n>`, `unknown.<n>` or `garbled.<n>` cannot be folded, read or accepted before release
    number n of the code.
    """

    row_types: Sequence[str] = ()

    def __init__(self, release: int = 0) -> None:
        self.release = release

    def parse(self, body: bytes) -> Identified:
        event = Envelope.model_validate_json(body)
        kind, _, needed = event.type.partition(".")
        found = Identified(
            event, identity(event.source, event.id), content_digest(event.type, event.subject, event.data)
        )
        if needed and int(needed) > self.release:
            if kind == "unknown":
                raise UnknownVersion(found)
            if kind == "garbled":
                raise EventRejected(Reason.INVALID, "garbled")
        return found

    def fold(
        self,
        state: State | None,
        event: Envelope,
        offset: int,  # noqa: ARG002
        recorded_at: datetime,  # noqa: ARG002
    ) -> tuple[State, str]:
        kind, _, needed = event.type.partition(".")
        if kind == "poison" and int(needed) > self.release:
            raise ValueError(f"cannot fold {event.id}")
        return (*(state or ()), event.id), event.id

    def releases(self, event: Envelope) -> bool:
        return event.type == "release"

    def redacted(self, body: bytes) -> bytes:
        return body

    def hides(self, messages: Sequence[QuarantineRow]) -> list[Write]:
        del messages
        return []

    async def begin(self, connection: asyncpg.Connection) -> None:
        del connection

    async def load(self, connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, State]:
        raise NotImplementedError

    def writes(self, partition: int, changes: Sequence[OrderChange[State, str]]) -> list[Write]:
        raise NotImplementedError

    async def prepare(self, connection: asyncpg.Connection, recorded: Sequence[datetime]) -> None:
        raise NotImplementedError

    def cards(
        self, changes: Sequence[OrderChange[State, str]], partition: int, wanted: Wanted
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        raise NotImplementedError

    async def snapshot(
        self, connection: asyncpg.Connection, partition: int
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        raise NotImplementedError

    def announcement(self, changes: Sequence[OrderChange[State, str]]) -> dict[str, Any]:
        raise NotImplementedError


def arrived(event_id: str, event_type: str, offset: int, toys: Toys) -> Arrived:
    """Return the event as the intake hands it on."""
    event = Envelope(specversion="1.0", id=event_id, source="/toys", type=event_type, subject="A", time=RECORDED)
    body = event.model_dump_json(exclude_unset=True).encode()
    try:
        return Arrived(*toys.parse(body), offset, RECORDED, body)
    except UnknownVersion as unknown:
        return Arrived(*unknown.identified, offset, RECORDED, body, unreadable=str(unknown))


class Shelf:
    """What the tables would hold of each order between batches: its state, and its parked events as rows."""

    def __init__(self) -> None:
        self.states: dict[int, State] = {}
        self.rows: dict[tuple[int, int], dict[str, Any]] = {}
        self.entries: dict[int, list[str]] = {}
        self.released: list[tuple[int, int]] = []

    def take(self, toys: Toys, orders: Mapping[int, Sequence[Arrived]]) -> Parking:
        """Do what the batch does with these orders' new events."""
        waiting: list[Any] = [row for (order_no, _), row in sorted(self.rows.items()) if order_no in orders]
        parking = Parking.of(waiting, toys.parse)
        for order_no, events in orders.items():
            change = OrderQueue(toys, order_no, self.states.get(order_no), parking).run(events)
            if change is not None:
                assert change.before == self.states.get(order_no)
                self.states[order_no] = change.after
                self.entries.setdefault(order_no, []).extend(entry for _, entry in change.entries)
        for order_no, event in parking.released:
            del self.rows[order_no, event.offset]
            self.released.append((order_no, event.offset))
        for key, reason in parking.renewed.items():
            self.rows[key]["reason"] = reason
        for order_no, event, reason in parking.parked:
            self.rows[order_no, event.offset] = {
                "order_no": order_no, "stream_offset": event.offset, "identity": event.identity,
                "body": event.body, "recorded_at": event.recorded_at, "reason": reason,
            }  # fmt: skip
        return parking

    def parked(self, order_no: int) -> list[int]:
        """The offsets of an order's parked events."""
        return sorted(offset for number, offset in self.rows if number == order_no)
