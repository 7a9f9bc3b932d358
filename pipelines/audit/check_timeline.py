"""Is an order's timeline the stream's sequence of its events, each once, as the stream has it?"""

from __future__ import annotations

from pipelines.audit.digests import NOTHING, identity_of
from pipelines.audit.findings import Findings
from pipelines.audit.order import Ledgered, Order
from pipelines.audit.report import Kind
from pipelines.audit.rows import TimelineRow
from pipelines.audit.world import Expected, milliseconds
from schemas.lifecycle import NO_ORDER


def check_timeline(order: Order, says: Ledgered, found: Findings) -> bool:
    """Name what is wrong with the timeline; return whether its sequence is not that of the stream."""
    counts = not order.order_id.startswith(NO_ORDER)
    due = {event.identity: (revision * counts, event) for revision, event in enumerate(says.due, 1)}
    rows: dict[bytes, list[TimelineRow]] = {}
    gap = False
    for row in order.rows.timeline:
        if row["identity"] in due:
            rows.setdefault(row["identity"], []).append(row)
        elif not order.is_later(row["stream_offset"]):
            detail = f"the timeline has {row['source']} {row['event_id']} there, which has not taken effect there"
            found.add(Kind.TIMELINE_PHANTOM, detail, **order.names(offset=row["stream_offset"]))
            gap = True
    for identity, (revision, event) in due.items():
        there = rows.get(identity, [])
        at_place = [row for row in there if row["stream_offset"] == event.offset]
        if not there:
            found.add(Kind.TIMELINE_MISSING, "the timeline does not have it", **order.names(event))
        elif not at_place:
            detail = f"the timeline has it at offset {there[0]['stream_offset']}"
            found.add(Kind.TIMELINE_MISPLACED, detail, **order.names(event))
        else:
            _check_row(order, says, event, revision, at_place[0], found)
        for row in there[1:]:
            detail = f"the timeline has it {len(there)} times, also at offset {row['stream_offset']}"
            found.add(Kind.TIMELINE_DOUBLED, detail, **order.names(event))
        gap = gap or len(there) != 1 or not at_place
    return gap


def _check_row(order: Order, says: Ledgered, event: Expected, revision: int, row: TimelineRow, found: Findings) -> None:
    if row["stage"] != event.stage:
        detail = f"the timeline says {row['stage']} after it, the events say {event.stage}"
        found.add(Kind.STAGE, detail, **order.names(event))
    same = {
        "partition": row["partition"] == order.partition,
        "recorded_at": milliseconds(row["recorded_at"]) == event.recorded_ms,
        "source or event_id": identity_of(row["source"], row["event_id"]) == event.identity,
        "event_type": row["event_type"] == event.event_type,
        "event_time": row["event_time"] == event.event_time,
        "trace_id": row["trace_id"] == event.trace_id,
        "revision": row["revision"] == revision,
        "body": row["body"] == event.body or (row["body"] == NOTHING and says.may_lack),
    }
    if says.must_lack and row["body"] != NOTHING:
        found.add(Kind.NOT_ERASED, "the timeline has the bytes of an erased customer's event", **order.names(event))
    if not all(same.values()):
        wrong = ", ".join(name for name, right in same.items() if not right)
        found.add(Kind.TIMELINE_ROW, f"the timeline's row differs from the stream in {wrong}", **order.names(event))
