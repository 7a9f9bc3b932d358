"""Does an order stand in the views once, in the right table, as the plain fold of its events says?"""

from __future__ import annotations

from decimal import Decimal

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.order import Ledgered, Order
from pipelines.audit.report import Kind
from pipelines.audit.world import Expected
from schemas.lifecycle import FINAL, NO_ORDER


def check_views(order: Order, says: Ledgered, found: Findings) -> None:
    """Name what is wrong with the order's rows in the views. Only for an order that has not moved."""
    rows = order.rows.views
    if order.order_id.startswith(NO_ORDER):
        for row in rows:
            found.add(Kind.ORDER_PHANTOM, f"in {_table(row)}, but its name is that of no order", **order.names())
        return
    if not says.due:
        for row in rows:
            found.add(Kind.ORDER_PHANTOM, f"in {_table(row)}, but none of its events took effect", **order.names())
        if not rows and not order.expected and not order.rows.ledger:
            found.add(Kind.ORDER_PHANTOM, "in order_index, but the stream has no event of it", **order.names())
        return
    last = says.due[-1]
    if not rows:
        found.add(
            Kind.ORDER_MISSING,
            "neither in open_orders nor in closed_orders nor in archived_orders",
            **order.names(last),
        )
        return
    for row in rows[1:]:
        detail = f"stands in {_table(rows[0])} and again in {_table(row)}"
        found.add(Kind.ORDER_DOUBLED, detail, **order.names(last))
    final = last.stage in FINAL
    right = next((row for row in rows if row["closed"] == final), rows[0])
    if right["closed"] != final:
        detail = f"stands in {_table(right)}, though the events say {last.stage}"
        found.add(Kind.ORDER_MISPLACED, detail, **order.names(last))
    _check_row(order, last, len(says.due), right, found)
    if says.must_lack and not right["erased"]:
        found.add(Kind.NOT_ERASED, f"{_table(right)} names an erased customer", **order.names(last))
    if right["erased"] and not says.may_lack:
        detail = f"{_table(right)} says its customer is erased, and none of its events names one who is"
        found.add(Kind.ORDER_ROW, detail, **order.names(last))


def _check_row(order: Order, last: Expected, revision: int, row: asyncpg.Record, found: Findings) -> None:
    named = order.names(last)
    if row["stage"] != last.stage:
        found.add(Kind.STAGE, f"{_table(row)} says {row['stage']}, the events say {last.stage}", **named)
    amount = None if last.amount is None else Decimal(last.amount)
    if (row["price_amount"], row["price_currency"]) != (amount, last.currency):
        said = f"{row['price_amount']} {row['price_currency']}"
        found.add(Kind.PRICE, f"{_table(row)} says {said}, the events say {amount} {last.currency}", **named)
    if row["partner"] != last.partner:
        found.add(Kind.PARTNER, f"{_table(row)} says {row['partner']}, the events say {last.partner}", **named)
    if row["revision"] != revision:
        kind = Kind.REVISION_AHEAD if row["revision"] > revision else Kind.REVISION_BEHIND
        found.add(kind, f"{_table(row)} says {row['revision']} events took effect, there are {revision}", **named)
    has = (row["order_id"], row["partition"], row["last_offset"])
    if has != (order.order_id, order.partition, last.offset):
        detail = f"{_table(row)} has order, partition and last offset {has}"
        found.add(Kind.ORDER_ROW, f"{detail}, not {(order.order_id, order.partition, last.offset)}", **named)


def _table(row: asyncpg.Record) -> str:
    table: str = row["kept_in"]
    return table
