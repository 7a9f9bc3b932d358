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
from schemas.erasure import ERASED
from schemas.lifecycle import Holder, Stage
from schemas.views import OrderState, TimelineEntry, is_order

_ADD = named_sql(__package__, "timeline_add")
_QUARANTINE_ERASE = named_sql(__package__, "quarantine_erase")
_ERASE = named_sql(__package__, "timeline_erase")

# How many columns there are, then the first seven, which have a fixed width.
_HEAD = Struct("!i8sq8sq8sq8sq8si8shii16s").pack


def adds(partition: int, changes: Sequence[OrderChange[OrderState, TimelineEntry]]) -> list[Write]:
    """Return what writes each change's entries, every order's together, in the order of the changes.

    What is of no order has no revision: nobody keeps a state that could count. An erased customer's orders have empty
    bodies, also of what came before the customer was named.
    """
    rows, just_erased, before = list[bytes](), list[str](), list[int]()
    for change in changes:
        erased = _is_erased(change.after)
        if erased and not _is_erased(change.before):
            just_erased.append(change.after.order_id)
            if change.before is not None:
                before.append(change.order_no)
        revision = 0 if change.before is None else change.before.revision
        for arrived, entry in change.entries:
            revision += 1
            shown = revision if is_order(change.after) else 0
            rows.append(_row(change.order_no, partition, shown, arrived, entry, b"" if erased else arrived.body))
    found = [Write("timeline_add", _ADD, (piece,)) for piece in pieces(rows)]
    if before:
        found.append(Write("timeline_erase", _ERASE, (before,)))
    if just_erased:
        found.append(Write("quarantine_erase", _QUARANTINE_ERASE, (just_erased,), apart=True))
    return found


def _is_erased(state: OrderState | None) -> bool:
    return state is not None and state.customer_id == ERASED


def _row(order_no: int, partition: int, revision: int, arrived: Arrived, entry: TimelineEntry, body: bytes) -> bytes:
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
            binary(body),
        )
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _told(event_type: str, stage: Stage, holder: Holder) -> bytes:
    return word(event_type) + word(stage) + word(holder)
