"""What is known of Ivan, by name in every place where a name can stand, and of Maria, who stays."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from pipelines.edges.erasure.erasing import erase as _erase
from pipelines.edges.erasure.report import Erasure
from pipelines.engine.settings import Settings
from schemas.streams import partition_of
from tests.audit.stores import PARKING, PARTITIONS, commit, publish, publish_raw
from tests.support.events import event, life

IVAN, MARIA = "ivan-4711", "maria-17"

IVANS = ("I1", "I2", "I3", "I4", "I5")
"""Ivan's orders: a whole life; one that became Maria's; one that was Maria's; one an operator's correction
made his for a while; one that became Maria's, too, whose event spells his name in escapes."""


def named(order_id: str, customer: str, name: str = "submitted", **attributes: Any) -> dict[str, Any]:
    """Return an event that names a customer."""
    return event(order_id, name, data={"customer_id": customer}, **attributes)


def correction(order_id: str, customer: str) -> dict[str, Any]:
    """Return an operator's event by which a submission had named this customer."""
    said = {"source": "/shop", "type": "order.submitted.v1", "data": {"customer_id": customer}}
    return event(order_id, "correction", data={"author": "ada", "reason": "a mix-up", "corrected": said})


def note(order_id: str, text: str) -> dict[str, Any]:
    """Return a note."""
    return event(
        order_id, "note_added", event_id=f"{order_id} note of {len(text)}", data={"text": text, "author": "ada"}
    )


EVENTS = [
    event("I1", "file_uploaded", data={"file_name": f"{IVAN}.stl"}),
    named("I1", IVAN),
    *life("I1", "price_calculated", "manufacturing_approved", "shipped", "closed"),
    note("I1", f"called {IVAN}"),
    named("I2", IVAN, "initiated"),
    named("I2", MARIA),
    named("I3", MARIA, "initiated"),
    named("I3", IVAN),
    event("I4", "initiated"),
    correction("I4", IVAN),
    named("I4", MARIA),
    named("M1", MARIA),
    note("M1", "called maria"),
    *life("M2"),
]


async def fill(settings: Settings) -> None:
    """Publish and commit it all, and what cannot take effect."""
    await publish(settings, EVENTS)
    escaped = orjson.dumps(named("I5", IVAN)).replace(IVAN.encode(), b"\\u0069" + IVAN[1:].encode())
    home = partition_of("I5", PARTITIONS)
    broken = b'{"customer_id": "' + IVAN.encode() + b'", what'
    await publish_raw(settings, home, escaped, broken, b'{"customer_id": "somebody", what')
    await publish(settings, [named("I5", MARIA, event_id="hers"), named("I6", IVAN, event_id="bad", time="yesterday")])
    await commit(settings, PARKING())


async def erase(settings: Settings, customer: str = IVAN, *, dry_run: bool = False) -> Erasure:
    """Erase a customer."""
    return await _erase(settings, customer, "ada", lambda _: None, dry_run=dry_run)


async def naming(connection: asyncpg.Connection, customer: str = IVAN) -> list[str]:
    """Return what, in any column of any table of the instance, has the customer's id: as text, or in bytes."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    plain, spelled, escaped = customer, customer.encode().hex(), (b"\\u0069" + customer[1:].encode()).hex()
    found = []
    for (name,) in tables:
        rows = await connection.fetch(f'SELECT t::text AS row FROM "{name}" AS t')
        found += [f"{name}: {row['row']}" for row in rows if any(x in row["row"] for x in (plain, spelled, escaped))]
    return found
