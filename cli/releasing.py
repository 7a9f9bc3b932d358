"""Ask the pipeline to try an order's parked events again. The log is the only input: the asking is an event."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from cli.database import live_views
from dashboards.operator.acting.events import SOURCE
from dashboards.operator.acting.events import release as released
from pipelines.edges.publisher import OrderPublisher
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from schemas.errors import StoreError
from schemas.identity import identity

_PARKED = named_sql(__package__, "parked_order")
_ARRIVED = named_sql(__package__, "event_arrived")

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Release:
    """What came of asking. `event_id` is the release's own event; `were_waiting` events were parked before it.

    `tried`: whether the pipeline has come to the event; None where nobody waited for that. `waiting` events are still
    parked after it, the first for the reason `why`; None where not known.
    """

    order_id: str
    event_id: str
    were_waiting: int
    tried: bool | None = None
    waiting: int | None = None
    why: str | None = None


async def release(
    settings: Settings, order_id: str, author: str, reason: str | None, patience: float | None
) -> Release:
    """Publish the release of a parked order, confirmed; wait up to `patience` seconds for its effect (None: do not).

    Raises:
        StoreError: the order is not parked.
        EventRejected, StreamError: it could not be published.
    """
    async with live_views(settings) as live:
        before = await live.connection.fetchrow(_PARKED, order_id)
        if before is None or before["events"] == 0:
            raise StoreError(f"order {order_id!r} is not parked; `warren parked list` shows those that are")
        event = released(uuid4(), order_id, author, reason or "")
        event_id: str = event["id"]
        async with OrderPublisher(settings) as publisher:
            await publisher.publish(event)
        asked = Release(order_id, event_id, before["events"])
        if patience is None:
            return asked
        if not await _arrived(live.connection, before["order_no"], identity(SOURCE, event_id), patience):
            return Release(order_id, event_id, before["events"], tried=False)
        after = await live.connection.fetchrow(_PARKED, order_id)
        return Release(order_id, event_id, before["events"], True, after["events"], after["reason"])


async def _arrived(connection: asyncpg.Connection, order_no: int, key: bytes, patience: float) -> bool:
    deadline = asyncio.get_running_loop().time() + patience
    while not await connection.fetchval(_ARRIVED, order_no, key):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
