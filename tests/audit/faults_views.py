"""Faults in the orders and their counts."""

from __future__ import annotations

from pipelines.audit import Kind
from tests.audit.faults import Fault, delete, update

_COLUMNS = (
    "order_no, order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, "
    "stage_since, stage_recorded_at, revision, anomalies, last_offset, last_recorded_at, opened_by"
)

_AS_CLOSED = (
    f"INSERT INTO closed_orders ({_COLUMNS}, closed_at) SELECT {_COLUMNS}, now() FROM open_orders"
    " WHERE order_no = NO(B3)"
)

_GONE = delete("open_orders", "B3")


_C1 = "FROM timeline WHERE event_type = 'order.submitted.v1'"

_ALL_BUT_B3 = f"""
    INSERT INTO warren.erased VALUES (sha256(E'warren customer\\nc1'), now(), 'ada', now());
    UPDATE timeline SET body = '' WHERE order_no IN (SELECT order_no {_C1}) AND order_no <> NO(B3);
    UPDATE open_orders SET customer_id = '' WHERE customer_id = 'c1' AND order_no <> NO(B3);
    UPDATE closed_orders SET customer_id = '' WHERE customer_id = 'c1';
    UPDATE quarantine SET body = '' WHERE position('"c1"'::bytea IN body) > 0 OR subject IN (
        SELECT order_id FROM order_index WHERE order_no IN (SELECT order_no {_C1}) AND order_no <> NO(B3));
"""

VIEWS = [
    Fault("one order of an erased customer", _ALL_BUT_B3, {Kind.NOT_ERASED: 5}),
    Fault(
        "an erasure that is not finished",
        f"{_ALL_BUT_B3} UPDATE warren.erased SET finished_at = NULL",
        {},
    ),
    Fault("a customer erased whom nobody named", update("open_orders", "customer_id = ''", "B3"), {Kind.ORDER_ROW: 1}),
    Fault(
        "a stage",
        update("open_orders", "stage = 'shipped'", "B3"),
        {Kind.STAGE: 1, Kind.COUNTS: 2, Kind.STAYS: 1, Kind.STAY_DAYS: 2},
    ),
    Fault(
        "a closed order's stage",
        update("closed_orders", "stage = 'cancelled'", "A1"),
        {Kind.STAGE: 1, Kind.COUNTS: 2},
        0,
        "A1",
    ),
    Fault("a price", update("open_orders", "price_amount = 12.51", "B3"), {Kind.PRICE: 1}),
    Fault("an older price", update("open_orders", "price_amount = 12.50", "B0"), {Kind.PRICE: 1}, 0, "B0"),
    Fault("a currency", update("open_orders", "price_currency = 'USD'", "B3"), {Kind.PRICE: 1}),
    Fault("no price", update("open_orders", "price_amount = NULL", "B3"), {Kind.PRICE: 1}),
    Fault("a partner", update("open_orders", "partner = 'zeta'", "B3"), {Kind.PARTNER: 1, Kind.COUNTS: 2}),
    Fault(
        "no partner",
        update("open_orders", "partner = NULL", "acme:P1"),
        {Kind.PARTNER: 1, Kind.COUNTS: 2},
        0,
        "acme:P1",
    ),
    Fault("a revision too high", update("open_orders", "revision = 5", "B3"), {Kind.REVISION_AHEAD: 1}),
    Fault("a revision too low", update("open_orders", "revision = 3", "B3"), {Kind.REVISION_BEHIND: 1}),
    Fault("a last offset", update("open_orders", "last_offset = 0", "B3"), {Kind.ORDER_ROW: 1}),
    Fault("an order id", update("open_orders", "order_id = 'B4'", "B3"), {Kind.ORDER_ROW: 1}),
    Fault(
        "a partition",
        update("open_orders", "partition = 9", "B3"),
        {Kind.ORDER_ROW: 1, Kind.COUNTS: 1, Kind.STAY_DAYS: 2},
    ),
    Fault("an open order is gone", _GONE, {Kind.ORDER_MISSING: 1, Kind.COUNTS: 1, Kind.STAYS: 1, Kind.STAY_DAYS: 1}),
    Fault("a closed order is gone", delete("closed_orders", "A1"), {Kind.ORDER_MISSING: 1, Kind.COUNTS: 1}, 0, "A1"),
    Fault(
        "an open order among the closed",
        f"{_AS_CLOSED}; {_GONE}",
        {Kind.ORDER_MISPLACED: 1, Kind.STAYS: 1, Kind.STAY_DAYS: 1},
    ),
    Fault("an order in both tables", _AS_CLOSED, {Kind.ORDER_DOUBLED: 1, Kind.COUNTS: 1}),
    Fault(
        "a closed order twice",
        "CREATE TEMP TABLE again AS SELECT * FROM closed_orders WHERE order_no = NO(A1);"
        " UPDATE again SET closed_at = closed_at + interval '1 second'; INSERT INTO closed_orders SELECT * FROM again",
        {Kind.ORDER_DOUBLED: 1, Kind.COUNTS: 1},
        order="A1",
    ),
    Fault(
        "an order of no event",
        "CREATE TEMP TABLE ghost AS SELECT * FROM open_orders WHERE order_no = NO(B3);"
        " UPDATE ghost SET order_no = 999999, order_id = 'ghost'; INSERT INTO open_orders SELECT * FROM ghost",
        {Kind.ORDER_PHANTOM: 1, Kind.COUNTS: 1, Kind.STAYS: 1, Kind.STAY_DAYS: 1},
        order=None,
    ),
    Fault(
        "a count", "UPDATE counts SET orders = orders + 1 WHERE stage = 'closed' AND partition = 0", {Kind.COUNTS: 1}
    ),
    Fault("a count of none", "INSERT INTO counts VALUES (0, 'packaging', 'zeta', 3)", {Kind.COUNTS: 1}),
    Fault("a count of no partition", "INSERT INTO counts VALUES (9, 'packaging', '', 3)", {Kind.COUNTS: 1}),
    Fault("a count is gone", "DELETE FROM counts WHERE stage = 'cancelled'", {Kind.COUNTS: 1}),
    Fault(
        "a count of anomalies",
        "UPDATE counts SET odd = odd + 1 WHERE stage = 'closed' AND partition = 0",
        {Kind.COUNTS: 1},
    ),
    Fault("an anomaly", update("open_orders", "anomalies = 1", "B3"), {Kind.COUNTS: 1}),
    Fault("a stay's stage", update("stays", "stage = 'shipped'", "B3"), {Kind.STAYS: 1}),
    Fault("a stay's time", update("stays", "since = since + interval '1 s'", "B3"), {Kind.STAYS: 1}),
    Fault("a stay is gone", delete("stays", "B3"), {Kind.STAYS: 1}),
    Fault(
        "a stay twice",
        "INSERT INTO stays SELECT stage, since - interval '1 s', order_no FROM stays WHERE order_no = NO(B3)",
        {Kind.STAYS: 1},
    ),
    Fault(
        "a stay of a closed order",
        "INSERT INTO stays SELECT stage, stage_since, order_no FROM closed_orders WHERE order_no = NO(A1)",
        {Kind.STAYS: 1},
        order="A1",
    ),
    Fault(
        "a day",
        "UPDATE stay_days SET orders = orders + 1 WHERE (partition, stage, holder, day) IN"
        " (SELECT partition, stage, holder, day FROM stay_days LIMIT 1)",
        {Kind.STAY_DAYS: 1},
    ),
    Fault("a day of none", "INSERT INTO stay_days VALUES (0, 'shipped', 'crm', '2026-01-01', 1)", {Kind.STAY_DAYS: 1}),
    Fault("a count of nothing is no fault", "INSERT INTO counts VALUES (0, 'packaging', 'zeta', 0)"),
]
