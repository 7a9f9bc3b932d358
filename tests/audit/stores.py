"""A pipeline's stores with a bit of everything in them, made by the real batch transaction, and copies to break.

Four partitions. `PARKING` raises on notes that say "boom", as a bug of ours would; `SOUND` does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson

from pipelines.audit import AuditReport, audit
from pipelines.engine.instance.owner import Owner
from pipelines.engine.instance.storm import StormWatch
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Batch, Message, SuperStreamPublisher, end_offset, read_stream
from pipelines.flows.views.projection import Views
from schemas.envelope import Envelope
from schemas.streams import partition_name, partition_of
from schemas.views import OrderState, TimelineEntry
from tests.support.events import event, life, message
from tests.support.runs import Run

PARTITIONS = 4

Fields = dict[str, Any]


class Parking(Views):
    """The read views with a bug."""

    def fold(
        self, state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
    ) -> tuple[OrderState, TimelineEntry]:
        if "boom" in str(event.data):
            raise ZeroDivisionError("boom")
        return super().fold(state, event, offset, recorded_at)


SOUND, PARKING = Views, Parking


async def commit(settings: Settings, views: Views, *, leave: int = 0, at_once: int = 7) -> None:
    """Let everything in the stream take effect, in batches, but for the last `leave` events of each partition."""
    for partition in range(PARTITIONS):
        stream = partition_name("orders", partition)
        owner = Owner(settings.postgres_dsn, "views_v1", "views@1", partition, PARTITIONS, views, StormWatch())
        begin = (await owner.claim("test")).offset
        end = await end_offset(settings.stream_url, stream) - leave
        async for chunk in read_stream(settings.stream_url, stream, begin, end):
            for first in range(chunk.first_offset, chunk.end_offset, at_once):
                await owner.commit(Batch(partition, first, [chunk.within(first, first + at_once)]))
        await owner.let_go()


async def publish(settings: Settings, events: Sequence[Fields]) -> None:
    """Publish events, one after the other in chunks of their own where they are of several calls."""
    async with SuperStreamPublisher(settings.stream_url, "orders") as publisher:
        await publisher.publish([message(fields) for fields in events])


async def publish_raw(settings: Settings, partition: int, *bodies: bytes) -> None:
    """Publish any bytes into a partition."""
    async with SuperStreamPublisher(settings.stream_url, "orders") as publisher:
        await publisher.publish_to(partition, [Message("-", body, "raw", "raw") for body in bodies])


def priced(order_id: str, amount: str, event_id: str) -> Fields:
    """Return an event that calculates a price in euros."""
    data = {"price": {"amount": amount, "currency": "EUR"}}
    return event(order_id, "price_calculated", event_id=event_id, data=data)


def dropping(subject: str, place: str) -> Fields:
    """Return an event by which an operator drops the message in quarantine at this place."""
    reason = {"author": "ada", "reason": "rubbish", "event": {"source": "/quarantine", "id": place}}
    return event(subject, "dropped", event_id=f"drop {place}", data=reason)


def correcting(order_id: str, *places: str) -> list[Fields]:
    """Return events by which an operator corrects messages at these places: the order was priced at 3 euros."""
    price = {"price": {"amount": "3", "currency": "EUR"}}
    said = {"source": "/mes", "type": "order.price_calculated.v1", "data": price}
    common = {"author": "ada", "reason": "a number", "corrected": said}
    return [
        event(
            order_id,
            "correction",
            event_id=f"correct {place}",
            data=common | {"event": {"source": "/quarantine", "id": place}},
        )
        for place in places
    ]


async def fill(settings: Settings) -> None:
    """Publish and commit the base state: see `FIGURES` for what it holds."""
    lives = [fields for number in range(12) for fields in life(f"A{number}")]
    await publish(settings, lives)
    some = ("initiated", "file_uploaded", "submitted", "price_calculated")
    partner = [{**fields, "source": "/partners/acme"} for fields in life("acme:P1", *some[:3])]
    started = [fields for number in range(12) for fields in life(f"B{number}", *some)]
    await publish(settings, [*started, *partner, priced("B0", "10.00", "again"), *life("C1", "initiated", "cancelled")])
    await publish(settings, [*lives[:30], *partner])  # 33 duplicates
    await publish(settings, [{**lives[0], "data": {"partner": "acme"}}, priced("B1", "1", "B1-price_calculated")])
    await publish(settings, [event("S1", "initiated", event_id="same"), event("S2", "initiated", event_id="same")])
    await publish(settings, [event("A1", "submitted", time="yesterday"), event("A1", "closed", source="/nobody")])
    home = partition_of("A1", PARTITIONS)
    await publish_raw(settings, (home + 1) % PARTITIONS, orjson.dumps(event("A1", "note_added", event_id="astray")))
    await publish_raw(settings, home, b"no JSON", orjson.dumps(event("A1", "note_added", data={"text": "x" * 300_000})))
    await publish(settings, [dropping("~quarantine", "0:9999"), *correcting("C2", "0:9997", "0:9998")])
    await publish(settings, [event("A2", "note_added", type="order.sneezed.v1", source="/shop"), *life("N1")])
    boom = {"text": "boom", "author": "ada"}
    for order_id in ("K1", "K2"):
        await publish(settings, life(order_id, "initiated"))
        await publish(settings, [event(order_id, "note_added", data=boom), *life(order_id, "submitted")])
    await publish(settings, [*life("K3", "initiated"), event("K3", "submitted", type="order.submitted.v2")])
    await publish(settings, life("K3", "price_calculated"))
    await commit(settings, PARKING())
    await publish(settings, [event("K1", "released"), priced("K1", "7", "K1-price")])
    await commit(settings, SOUND())
    await publish(settings, [fields for number in range(20) for fields in life(f"Z{number}", "initiated")])


FIGURES = {
    "orders": 34,
    "events_in_stream": 241,
    "distinct": 208,
    "duplicates": 33,
    "applied": 197,
    "quarantined": 7,
    "parked": 4,
    "pending": 20,
    "lost": 0,
    "doubled": 0,
    "order_gaps": 0,
    "mismatches": 0,
    "reused_ids": 1,
    "unsettled": 0,
}


@dataclass(frozen=True, slots=True)
class Stores:
    """A copy of the base state's database, beside the stream it was made of."""

    settings: Settings
    connection: asyncpg.Connection

    async def audit(self) -> AuditReport:
        """Audit this copy."""
        return await audit(self.settings)

    async def number(self, order_id: str) -> int:
        """Return an order's number."""
        number: int = await self.connection.fetchval("SELECT order_no FROM order_index WHERE order_id = $1", order_id)
        return number


@asynccontextmanager
async def copy_of(base: Run, name: str) -> AsyncIterator[Stores]:
    """Give a copy of the base state's database, and drop it afterwards. Ends whoever is connected to the base."""
    dsn = urlsplit(base.settings.postgres_dsn)
    original = dsn.path.lstrip("/")
    control = await connect(urlunsplit(dsn._replace(path="/postgres")))
    try:
        # A template must have no sessions; a pool of the migrations may still hold one.
        await control.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", original
        )
        await control.execute(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
        settings = base.settings.model_copy(update={"postgres_dsn": urlunsplit(dsn._replace(path=f"/{name}"))})
        connection = await connect(settings.postgres_dsn, "views_v1")
        try:
            yield Stores(settings, connection)
        finally:
            await connection.close()
            await control.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await control.close()
