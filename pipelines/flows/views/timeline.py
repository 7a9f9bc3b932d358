"""The timeline: a row for every event of every order, in stream order."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from pipelines.engine.instance.projection import Arrived, OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.packed_rows import (
    BIGINT,
    BYTEA,
    INTEGER,
    SMALLINT,
    TIMESTAMPTZ,
    binary,
    double,
    moment,
    text,
    word,
    words,
)
from pipelines.engine.stores.writes import Write, pieces
from schemas.views import OrderState, TimelineEntry

_ADD = named_sql(__package__, "timeline_add")

# How many columns there are, then the first seven, which have a fixed width.
_HEAD = Struct("!iiiqiiqiiqiiqiiiiihii16s").pack


def adds(partition: int, changes: Sequence[OrderChange[OrderState, TimelineEntry]]) -> list[Write]:
    """Return what writes each change's entries, every order's together, in the order of the changes."""
    rows = [
        _row(change.order_no, partition, revision, arrived, entry)
        for change in changes
        for revision, (arrived, entry) in enumerate(
            change.entries, 1 if change.before is None else change.before.revision + 1
        )
    ]
    return [Write("timeline_add", _ADD, (piece,)) for piece in pieces(rows)]


def _row(order_no: int, partition: int, revision: int, arrived: Arrived, entry: TimelineEntry) -> bytes:
    event = arrived.event
    return b"".join(
        (
            _HEAD(
                16, BIGINT, 8, order_no, BIGINT, 8, arrived.offset, TIMESTAMPTZ, 8, moment(arrived.recorded_at),
                TIMESTAMPTZ, 8, moment(event.time), INTEGER, 4, revision, SMALLINT, 2, partition,
                BYTEA, 16, arrived.identity,
            ),
            word(event.source),
            text(event.id),
            word(event.type),
            word(entry.stage),
            word(entry.holder),
            double(entry.held_seconds),
            words(entry.anomalies),
            text(event.trace_id),
            binary(arrived.body),
        )
    )  # fmt: skip
