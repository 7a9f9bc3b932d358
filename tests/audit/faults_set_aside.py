"""Faults in quarantine, parked events and checkpoints."""

from __future__ import annotations

from pipelines.audit import Kind
from tests.audit.faults import Fault, delete, quarantine_row, update

_DUPLICATE = (
    "(SELECT min(place) FROM checkpoint c, generate_series(0, next_offset - 1) AS place"
    " WHERE c.partition = timeline.partition"
    " AND NOT EXISTS (SELECT 1 FROM ledger l WHERE (l.partition, l.stream_offset) = (c.partition, place))"
    " AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE (q.partition, q.stream_offset) = (c.partition, place)))"
)

SET_ASIDE = [
    Fault(
        "a message settled by nobody",
        "UPDATE quarantine SET how = 'dropped', author = 'eve', order_no = (SELECT min(order_no) FROM order_index),"
        " by_offset = 0, settled_at = now() WHERE reason = 'invalid'",
        {Kind.SETTLED: 1},
        order=None,
    ),
    Fault(
        "a message not settled",
        "UPDATE quarantine SET how = NULL, reason = 'x' WHERE stream_offset = 9999",
        {Kind.SETTLED: 1, Kind.QUARANTINE_PHANTOM: 1},
        order=None,
    ),
    *(
        Fault(name, statement, {Kind.SETTLED: 1}, order=None)
        for name, statement in {
            "no word of a message that is settled": "DELETE FROM quarantine WHERE stream_offset = 9998",
            "settled otherwise": "UPDATE quarantine SET how = 'corrected' WHERE stream_offset = 9999",
            "settled by another event": "UPDATE quarantine SET by_offset = 0 WHERE stream_offset = 9998",
        }.items()
    ),
    Fault("a good event in quarantine too", quarantine_row("stream_offset"), {Kind.QUARANTINED_AND_APPLIED: 1}),
    Fault(
        "a good event in quarantine only",
        f"{quarantine_row('stream_offset', order='S1')}; {delete('timeline', 'S1')}; {delete('ledger', 'S1')};"
        " UPDATE counts c SET orders = c.orders - 1 FROM open_orders o WHERE o.order_id = 'S1'"
        f" AND c.partition = o.partition AND c.stage = o.stage AND c.partner = ''; {delete('open_orders', 'S1')}",
        {
            Kind.QUARANTINED_WITHOUT_CAUSE: 1,
            Kind.TIMELINE_MISSING: 1,
            Kind.ORDER_MISSING: 1,
            Kind.STAYS: 1,
            Kind.STAY_DAYS: 1,
        },
        gaps=1,
        order="S1",
    ),
    Fault(
        "a quarantine row beyond the checkpoint", quarantine_row("1000000"), {Kind.QUARANTINE_PHANTOM: 1}, order=None
    ),
    Fault("a quarantine row of no partition", quarantine_row("0", "9"), {Kind.QUARANTINE_PHANTOM: 1}, order=None),
    Fault(
        "a duplicate in quarantine",
        quarantine_row(_DUPLICATE, order="A1"),
        {Kind.QUARANTINE_PHANTOM: 1},
        order=None,
    ),
    Fault(
        "other bytes in quarantine",
        "UPDATE quarantine SET body = body || ' ' WHERE reason = 'unparsable'",
        {Kind.QUARANTINED_OTHER_BYTES: 1},
        order=None,
    ),
    Fault(
        "another reason in quarantine",
        "UPDATE quarantine SET reason = 'invalid' WHERE reason = 'conflict' AND subject = 'B1'",
        {Kind.QUARANTINE_REASON: 1},
        order="B1",
    ),
    Fault(
        "a parked row is gone", delete("parked", "K2", 1), {Kind.PARKED_WITHOUT_ROW: 1, Kind.CHECKPOINT: 1}, order="K2"
    ),
    Fault(
        "bytes of a parked event", update("parked", "body = '{}'", "K2", 1), {Kind.PARKED_WITHOUT_ROW: 1}, order="K2"
    ),
    Fault(
        "an applied event parked again",
        "INSERT INTO parked SELECT order_no, stream_offset, partition, identity, 'by hand', body, recorded_at, now()"
        " FROM timeline WHERE order_no = NO(B3) AND stream_offset = AT(B3, 0)",
        {Kind.PARKED_PHANTOM: 1, Kind.CHECKPOINT: 1},
    ),
    Fault(
        "a parked event beyond the checkpoint",
        "INSERT INTO parked SELECT order_no, 1000000, partition, identity, 'by hand', body, recorded_at, now()"
        " FROM timeline WHERE order_no = NO(B3) AND stream_offset = AT(B3, 0)",
        {Kind.PARKED_PHANTOM: 1, Kind.CHECKPOINT: 1},
    ),
    Fault(
        "a parked event is in the ledger as applied",
        update("ledger", "parked = false", "K2", 2),
        {
            Kind.PARKED_PHANTOM: 1,
            Kind.APPLIED_AFTER_PARKED: 1,
            Kind.TIMELINE_MISSING: 1,
            Kind.STAGE: 1,
            Kind.REVISION_BEHIND: 1,
            Kind.ORDER_ROW: 1,
        },
        gaps=1,
        order="K2",
    ),
    Fault(
        "an event of an unknown version is in the ledger as applied",
        f"{update('ledger', 'parked = false', 'K3')}; {delete('parked', 'K3')}",
        {
            Kind.APPLIED_BUT_UNREADABLE: 1,
            Kind.TIMELINE_MISSING: 2,
            Kind.STAGE: 1,
            Kind.PRICE: 1,
            Kind.REVISION_BEHIND: 1,
            Kind.ORDER_ROW: 1,
            Kind.CHECKPOINT: 1,
        },
        gaps=1,
        order="K3",
    ),
    Fault(
        "an applied event is in the ledger as parked",
        update("ledger", "parked = true", "B3", 0),
        {Kind.PARKED_WITHOUT_ROW: 1, Kind.APPLIED_AFTER_PARKED: 1, Kind.TIMELINE_PHANTOM: 1, Kind.TIMELINE_ROW: 3}
        | {Kind.REVISION_AHEAD: 1},
        gaps=1,
    ),
    Fault(
        "an event was parked and those behind it were not",
        f"{update('ledger', 'parked = true', 'B3', 1)};"
        " INSERT INTO parked SELECT order_no, stream_offset, partition, identity, 'by hand', body, recorded_at, now()"
        f" FROM timeline WHERE order_no = NO(B3) AND stream_offset = AT(B3, 1); {delete('timeline', 'B3', 1)};"
        f" {update('timeline', 'revision = revision - 1', 'B3')} AND revision > 2;"
        f" {update('open_orders', 'revision = 3', 'B3')};"
        " UPDATE checkpoint SET parked = parked + 1, applied = applied - 1"
        " WHERE partition = (SELECT partition FROM open_orders WHERE order_no = NO(B3))",
        {Kind.APPLIED_AFTER_PARKED: 1},
        gaps=1,
    ),
    Fault(
        "a parked event's ledger row is gone",
        delete("ledger", "K2", 1),
        {Kind.NOT_IN_LEDGER: 1, Kind.PARKED_PHANTOM: 1},
        order="K2",
    ),
]

CHECKPOINTS = [
    Fault(
        "a total of applied", "UPDATE checkpoint SET applied = applied + 1 WHERE partition = 1", {Kind.CHECKPOINT: 1}
    ),
    Fault("a total of duplicates", "UPDATE checkpoint SET duplicates = 0 WHERE partition = 1", {Kind.CHECKPOINT: 1}),
    Fault("a total of quarantined", "UPDATE checkpoint SET quarantined = 77 WHERE partition = 1", {Kind.CHECKPOINT: 1}),
    Fault(
        "a total of parked",
        "UPDATE checkpoint SET parked = parked + 1, applied = applied - 1 WHERE partition = 1",
        {Kind.CHECKPOINT: 1},
    ),
    Fault("a checkpoint of no partition", "INSERT INTO checkpoint (partition) VALUES (9)", {Kind.CHECKPOINT: 1}),
]
