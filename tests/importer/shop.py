"""A small shop for tests: its mapping, and tables that live in memory."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from pipelines.edges.importer import ImportResult, Reject, import_orders, parse_mapping
from pipelines.edges.importer.rows import Place, Row

MAPPING = textwrap.dedent("""
    name = "shop"
    zone = "Europe/Berlin"
    currency = "EUR"

    [main]
    table = "orders"
    order_id = "id"
    customer = "customer"
    partner = "partner"

    [joined.lines]
    table = "lines"
    key = "order"

    [events.bought]
    type = "order.submitted.v1"
    source = "/shop"
    time = "bought"

    [events.bought.data.items]
    each = "lines"
    item = { item_id = "sku", quantity = { integer = "pieces" } }

    [events.priced]
    type = "order.price_calculated.v1"
    source = "/crm"
    time = "bought"
    when = [{ column = "lines.price", not_empty = true }]
    data = { price = { money = ["lines.price", "lines.shipping"] }, list = { constant = "retail" } }

    [events.sent]
    type = "order.shipped.v1"
    source = "/mes"
    time = "sent"

    [events.called_off]
    type = "order.cancelled.v1"
    source = "/crm"
    time = { latest_of = ["bought", "sent"] }
    when = [{ column = "state", one_of = ["off", "void"] }]
    data = { reason = "state" }
""")

ORDER_COLUMNS = ("id", "customer", "partner", "state", "bought", "sent")
LINE_COLUMNS = ("order", "sku", "pieces", "price", "shipping")

Cells = Mapping[str, str]


def order(order_id: str = "A1", **cells: str) -> dict[str, str]:
    """Return a row of `orders`: bought, not sent."""
    bought = {"bought": "2026-03-02 09:30:00"}
    return {**dict.fromkeys(ORDER_COLUMNS, ""), "id": order_id, "customer": "c1", **bought, **cells}


def line(order_id: str = "A1", **cells: str) -> dict[str, str]:
    """Return a row of `lines`."""
    return {"order": order_id, "sku": "gear", "pieces": "2", "price": "10.10", "shipping": "", **cells}


class MemoryTables:
    """Tables given as lists of rows."""

    def __init__(self, **tables: Sequence[Cells]) -> None:
        self._tables = tables

    async def header(self, table: str) -> Sequence[str]:
        """Return the table's columns."""
        return {"orders": ORDER_COLUMNS, "lines": LINE_COLUMNS}[table]

    async def rows(self, table: str) -> AsyncIterator[Row]:
        """Yield the rows."""
        for number, cells in enumerate(self._tables.get(table, ()), start=1):
            yield Row(Place(table, number), cells)

    def read_share(self) -> float | None:
        """Nobody asks."""
        return None


async def import_shop(
    *orders: Cells, lines: Sequence[Cells] = (), mapping: str = MAPPING
) -> tuple[ImportResult, list[dict[str, Any]], list[Reject]]:
    """Import the rows; return the result, the published events and the rejected rows."""
    published: list[dict[str, Any]] = []
    rejected: list[Reject] = []

    async def publish(batch: Sequence[bytes]) -> None:
        published.extend(orjson.loads(body) for body in batch)

    result = await import_orders(
        parse_mapping(mapping),
        MemoryTables(orders=orders, lines=lines),
        publish,
        on_reject=rejected.append,
        on_progress=lambda _: None,
    )
    return result, published, rejected
