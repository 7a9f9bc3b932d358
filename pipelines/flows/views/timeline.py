"""The timeline: a row for every event of every order, in stream order."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

import asyncpg

from pipelines.engine.instance.projection import Arrived, OrderChange
from pipelines.engine.stores.binary_copy import NULL, binary, copy_rows, double, moment, text, word, words
from schemas.views import OrderState, TimelineEntry

_COLUMNS = (
    "order_no", "stream_offset", "recorded_at", "partition", "event_time", "revision", "identity", "source", "event_id",
    "event_type", "stage", "holder", "held_seconds", "anomalies", "trace_id", "body",
)  # fmt: skip

# How many columns there are, then the first seven, which have a fixed width.
_HEAD = Struct("!hiqiqiqihiqiii16s").pack


async def append(
    connection: asyncpg.Connection, partition: int, changes: Sequence[OrderChange[OrderState, TimelineEntry]]
) -> None:
    """Write each change's entries, every order's together."""
    rows = [
        _row(change.order_no, partition, revision, arrived, entry)
        for change in sorted(changes, key=lambda change: change.order_no)
        for revision, (arrived, entry) in enumerate(
            change.entries, 1 if change.before is None else change.before.revision + 1
        )
    ]
    await copy_rows(connection, "timeline", _COLUMNS, rows)


def _row(order_no: int, partition: int, revision: int, arrived: Arrived, entry: TimelineEntry) -> bytes:
    event = arrived.event
    trace_id = event.trace_id
    return b"".join(
        (
            _HEAD(
                16, 8, order_no, 8, arrived.offset, 8, moment(arrived.recorded_at), 2, partition,
                8, moment(event.time), 4, revision, 16, arrived.identity,
            ),
            word(event.source),
            text(event.id),
            word(event.type),
            word(entry.stage),
            word(entry.holder),
            double(entry.held_seconds),
            words(entry.anomalies),
            NULL if trace_id is None else text(trace_id),
            binary(arrived.body),
        )
    )  # fmt: skip
