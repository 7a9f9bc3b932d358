"""The timeline: a row for every event of every order, in stream order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct

from pipelines.engine.instance.projection import Arrived, OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.packed_rows import (
    BYTEA,
    INT2,
    INT4,
    INT8,
    MOMENT,
    binary,
    chunk_moment,
    double,
    moment,
    text,
    word,
    words,
)
from pipelines.engine.stores.writes import Write, pieces
from schemas.lifecycle import Holder, Stage
from schemas.views import OrderState, TimelineEntry, is_order

_ADD = named_sql(__package__, "timeline_add")

# How many columns there are, then the first seven, which have a fixed width.
_HEAD = Struct("!i8sq8sq8sq8sq8si8shii16s").pack


def adds(partition: int, changes: Sequence[OrderChange[OrderState, TimelineEntry]]) -> list[Write]:
    """Return what writes each change's entries, every order's together, in the order of the changes.

    What is of no order has no revision: nobody keeps a state that could count.
    """
    rows = [
        _row(change.order_no, partition, revision if is_order(change.after) else 0, arrived, entry)
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
                16, INT8, order_no, INT8, arrived.offset, MOMENT, chunk_moment(arrived.recorded_at),
                MOMENT, moment(event.time), INT4, revision, INT2, partition, BYTEA, 16, arrived.identity,
            ),
            word(event.source),
            text(event.id),
            _told(event.type, entry.stage, entry.holder),
            double(entry.held_seconds),
            words(entry.anomalies),
            text(event.trace_id),
            binary(arrived.body),
        )
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _told(event_type: str, stage: Stage, holder: Holder) -> bytes:
    return word(event_type) + word(stage) + word(holder)
