"""What waits for a human: messages in quarantine, and parked orders. From Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboards.operator.database import Database
from pipelines.engine.stores.named_sql import named_sql
from schemas.identity import identity

_QUARANTINE = named_sql(__package__, "quarantine")
_MESSAGE = named_sql(__package__, "message")
_KNOWS = named_sql(__package__, "knows")
_TOOK_EFFECT = named_sql(__package__, "took_effect")
_PARKED = named_sql(__package__, "parked")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that may not take effect, and what is known of it."""

    partition: int
    stream_offset: int
    reason: str
    detail: str
    source: str | None
    event_type: str | None
    subject: str | None
    recorded_at: datetime

    @property
    def place(self) -> str:
        """Its name: `3:1204`."""
        return f"{self.partition}:{self.stream_offset}"


@dataclass(frozen=True, slots=True)
class Message(Quarantined):
    """All of one, and what was done about it: `how`, by whom, and the event of an order that says so; None: nothing.

    `twin`: the order it names has an event of the same source and id, so that most likely nothing is missing.
    """

    event_id: str | None
    body: bytes
    how: str | None
    author: str | None
    settled_at: datetime | None
    by_offset: int | None
    by_order: str | None
    twin: bool


@dataclass(frozen=True, slots=True)
class ParkedOrder:
    """An order with `events` parked, the first at `stream_offset`, and why that waits."""

    order_id: str
    partition: int
    events: int
    stream_offset: int
    reason: str
    parked_at: datetime


class SetAside:
    """Reads them. Every method raises StoreError where Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, limit: int) -> tuple[list[Quarantined], list[ParkedOrder]]:
        """The newest messages in quarantine that wait, and the orders that have been parked longest."""
        async with self._database.snapshot("set_aside") as (connection, _):
            quarantine = await connection.fetch(_QUARANTINE, limit)
            parked = await connection.fetch(_PARKED, limit)
        return [Quarantined(**row) for row in quarantine], [ParkedOrder(**row) for row in parked]

    async def knows(self, order_id: str) -> bool:
        """Whether any event of such an order was ever accepted."""
        async with self._database.snapshot("knows") as (connection, _):
            return bool(await connection.fetchval(_KNOWS, order_id))

    async def message(self, partition: int, stream_offset: int) -> Message | None:
        """One message in quarantine, None where there is none at that place."""
        async with self._database.snapshot("message") as (connection, _):
            row = await connection.fetchrow(_MESSAGE, partition, stream_offset)
            if row is None:
                return None
            named = row["source"] is not None and row["event_id"] is not None
            twin = named and await connection.fetchval(
                _TOOK_EFFECT, row["subject"], identity(row["source"], row["event_id"])
            )
        return Message(**row, twin=twin)
