"""What the stream holds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from pipelines.engine.transport import body_of, end_offset, read_stream
from schemas.streams import partition_name
from tests.support.events import event
from tests.support.runs import Run


async def stored(run: Run) -> dict[int, list[bytes]]:
    """Return the bodies in each partition."""
    settings, bodies = run.settings, {}
    for partition in range(settings.partitions):
        stream = partition_name(settings.super_stream, partition)
        end = await end_offset(settings.stream_url, stream)
        bodies[partition] = [
            body_of(record)
            async for chunk in read_stream(settings.stream_url, stream, 0, end)
            for record in chunk.records
        ]
    return bodies


async def stored_orders(run: Run) -> dict[str, list[str]]:
    """Return each order's event ids in stream order, each where it stands first."""
    orders: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for bodies in (await stored(run)).values():
        for body in bodies:
            fields = orjson.loads(body)
            orders[fields["subject"]].setdefault(fields["id"])
    return {order: list(ids) for order, ids in orders.items()}


def notes(orders: int, events: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Return so many events of each of so many orders, interleaved; ids are numbers in their order."""
    return [
        event(f"A{order}", "note_added", event_id=f"{number:06d}")
        for number in range(first, first + events)
        for order in range(orders)
    ]
