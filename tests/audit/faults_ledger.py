"""Faults in the ledger and the order index."""

from __future__ import annotations

from pipelines.audit import Kind
from tests.audit.faults import Fault, delete, ledger_row, update

_BACK_TO_SUBMITTED = (
    "stage = 'submitted', price_amount = NULL, price_currency = NULL, revision = 3, last_offset = AT(B3, 2)"
)
_COUNTED_BACK = (
    "UPDATE counts SET orders = orders - 1 WHERE stage = 'price_calculated' AND partner = '' AND partition ="
    " (SELECT partition FROM open_orders WHERE order_no = NO(B3)); "
    "INSERT INTO counts SELECT partition, 'submitted', '', 1 FROM open_orders WHERE order_no = NO(B3)"
    " ON CONFLICT (partition, stage, partner) DO UPDATE SET orders = counts.orders + 1"
)

LEDGER = [
    Fault("a ledger row is gone", delete("ledger", "B3", 0), {Kind.NOT_IN_LEDGER: 1}),
    Fault(
        "an event is lost and nothing shows it",
        "; ".join(
            [
                _COUNTED_BACK,
                update("open_orders", _BACK_TO_SUBMITTED, "B3"),
                delete("timeline", "B3", 3),
                delete("ledger", "B3", 3),
            ]
        ),
        {
            Kind.NOT_IN_LEDGER: 1,
            Kind.TIMELINE_MISSING: 1,
            Kind.STAGE: 1,
            Kind.PRICE: 1,
            Kind.REVISION_BEHIND: 1,
            Kind.ORDER_ROW: 1,
            Kind.STAYS: 1,
            Kind.STAY_DAYS: 2,
        },
        gaps=1,
    ),
    Fault("a ledger row of no event", ledger_row("B3", "stream_offset"), {Kind.LEDGER_PHANTOM: 1}),
    Fault("a ledger row beyond the checkpoint", ledger_row("B3", "1000000"), {Kind.LEDGER_PHANTOM: 1}),
    Fault(
        "a ledger row of no order",
        ledger_row("B3", "stream_offset", number="999999"),
        {Kind.LEDGER_PHANTOM: 1},
        order=None,
    ),
    Fault(
        "a ledger row below every order",
        ledger_row("B3", "stream_offset", number="-5"),
        {Kind.LEDGER_PHANTOM: 1},
        order=None,
    ),
    Fault("a ledger row at another offset", update("ledger", "stream_offset = 0", "B3", 1), {Kind.LEDGER_ROW: 1}),
    Fault("a ledger row in another partition", update("ledger", "partition = 9", "B3", 1), {Kind.LEDGER_ROW: 1}),
    Fault("a ledger row with other content", update("ledger", "content = content + 1", "B3", 1), {Kind.LEDGER_ROW: 1}),
    Fault(
        "a bad event is in the ledger too",
        ledger_row("A1", "(SELECT stream_offset FROM quarantine WHERE subject = 'A1' AND reason = 'invalid')"),
        {Kind.APPLIED_BUT_REJECTED: 1},
        order="A1",
    ),
    Fault(
        "a bad event is in the ledger instead of the quarantine",
        ledger_row("A1", "(SELECT stream_offset FROM quarantine WHERE subject = 'A1' AND reason = 'invalid')")
        + "; DELETE FROM quarantine WHERE subject = 'A1' AND reason = 'invalid'",
        {Kind.APPLIED_BUT_REJECTED: 1},
        order="A1",
    ),
    Fault(
        "the order index has lost an order",
        "DELETE FROM order_index WHERE order_id = 'B3'",
        {
            Kind.NOT_IN_LEDGER: 4,
            Kind.LEDGER_PHANTOM: 4,
            Kind.TIMELINE_PHANTOM: 4,
            Kind.ORDER_PHANTOM: 1,
            Kind.ORDER_UNKNOWN: 1,
        },
        gaps=1,
        order=None,
    ),
    Fault(
        "the order index has an order of no event",
        "INSERT INTO order_index (order_id, opened_at) VALUES ('ghost', now())",
        {Kind.ORDER_PHANTOM: 1},
        order="ghost",
    ),
]
