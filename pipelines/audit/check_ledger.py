"""Is every accepted event in the ledger once, as the stream has it, and nothing else? And are parked events safe?"""

from __future__ import annotations

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.order import Ledgered, Order
from pipelines.audit.remarks import Missing, Remarks
from pipelines.audit.report import Kind


def check_ledger(order: Order, says: Ledgered, remarks: Remarks, found: Findings) -> None:
    """Name what is wrong with the order's ledger rows. What is missing is only remarked: it may be in quarantine."""
    for event in order.expected:
        row = says.rows.get(event.identity)
        if row is None:
            continue
        has = (row["partition"], row["stream_offset"], row["content"])
        if has != (order.partition, event.offset, event.content):
            detail = f"the ledger has it at {has[0]}/{has[1]}, or with other content"
            found.add(Kind.LEDGER_ROW, detail, **order.names(event))
        if not event.readable and not row["parked"]:
            detail = f"took effect, though this release cannot read {event.event_type}"
            found.add(Kind.APPLIED_BUT_UNREADABLE, detail, **order.names(event))
    for row in says.strange:
        offset = row["stream_offset"]
        if remarks.applied_though_rejected(row["partition"], offset):
            detail = "the ledger has it, but it should be in quarantine"
            found.add(Kind.APPLIED_BUT_REJECTED, detail, **order.names(offset=offset))
        else:
            detail = f"the ledger has event {row['identity'].hex()} there; the stream has no such event of this order"
            found.add(Kind.LEDGER_PHANTOM, detail, **order.names(offset=offset))
    remarks.missing(Missing(order.partition, e.offset, order.order_id, e.source, e.event_id) for e in says.missing)


def check_parked(order: Order, says: Ledgered, found: Findings) -> int:
    """Name what is wrong with the order's parked events; return how many of them are safe in table `parked`."""
    rows = {row["stream_offset"]: row for row in order.rows.parked}
    safe = 0
    for event in says.parked:
        row = rows.pop(event.offset, None)
        if row is not None and _parked(row) == (event.identity, order.partition, event.body):
            safe += 1
        else:
            detail = "the ledger says it is parked, but " + ("its row is gone" if row is None else "its row differs")
            found.add(Kind.PARKED_WITHOUT_ROW, detail, **order.names(event))
    for offset in rows:
        if not order.is_later(offset):
            found.add(Kind.PARKED_PHANTOM, "parked, but not so in the ledger", **order.names(offset=offset))
    return safe


def applied_after_parked(order: Order, says: Ledgered, found: Findings) -> bool:
    """Say whether an event took effect though one before it in its order still waits; name the first such one."""
    if not says.parked:
        return False
    first = says.parked[0]
    for event in says.due:
        if event.offset > first.offset and event.identity in says.rows:
            detail = f"took effect, though the event at offset {first.offset} before it waits, parked"
            found.add(Kind.APPLIED_AFTER_PARKED, detail, **order.names(event))
            return True
    return False


def _parked(row: asyncpg.Record) -> tuple[bytes, int, bytes]:
    return row["identity"], row["partition"], row["body"]
