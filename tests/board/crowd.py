"""Thousands of orders put straight into the tables, as they would be after months: for questions about many."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg

from cli.localservers import Addresses
from schemas.lifecycle import FINAL, STAGES, Stage
from tests.support.emptied import tables_only
from tests.support.runs import Run

NOW = datetime.now(UTC).replace(microsecond=0)

_COLUMNS = (
    "order_no", "order_id", "partition", "stage", "holder", "partner", "customer_id", "price_amount", "price_currency",
    "opened_at", "stage_since", "stage_recorded_at", "revision", "anomalies", "last_offset", "last_recorded_at",
    "opened_by",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """An order as a question knows it."""

    order_no: int
    order_id: str
    stage: Stage
    partner: str | None
    customer_id: str
    price: tuple[Decimal, str] | None
    opened_at: datetime
    since: datetime
    anomalies: int
    opened_by: str
    items: frozenset[str]

    @property
    def open(self) -> bool:
        """Whether it is on its way."""
        return self.stage not in FINAL

    def stuck(self, now: datetime) -> bool:
        """Whether it is past its stage's target."""
        target = STAGES[self.stage].target
        return target is not None and now - self.since > target


def crowd(count: int, seed: int = 1) -> list[Order]:
    """Draw so many orders; many of them equal in what they are sorted by."""
    chance = random.Random(seed)
    stages = list(Stage)
    orders = []
    for number in range(1, count + 1):
        partner = chance.choice([None, None, "acme", "beta", "rare"]) if number % 97 else "rare"
        opened = NOW - timedelta(minutes=10 + chance.randrange(0, 60 * 24 * 70, 30))  # no target is passed meanwhile
        orders.append(
            Order(
                order_no=number,
                order_id=f"{partner}:{number}" if partner else f"C{number}",
                stage=chance.choice(stages),
                partner=partner,
                customer_id=f"c{chance.randrange(40)}",
                price=None
                if chance.random() < 0.3
                else (Decimal(chance.randrange(1, 40)), chance.choice(["EUR", "USD"])),
                opened_at=opened,
                since=min(NOW, opened + timedelta(minutes=chance.randrange(0, 60 * 24 * 9, 60))),
                anomalies=chance.choice([0, 0, 0, 0, 0, 2]),
                opened_by=f"/partners/{partner}" if partner else chance.choice(["/shop", "/shop", "/crm"]),
                items=frozenset(f"i{chance.randrange(25)}" for _ in range(chance.randrange(3))),
            )
        )
    return orders


@asynccontextmanager
async def settled(servers: Addresses, orders: list[Order]) -> AsyncIterator[Run]:
    """Give an environment whose tables hold the orders, and no stream."""
    async with tables_only(servers) as run:
        connection = await run.connect()
        await settle(connection, orders)
        await connection.close()
        yield run


async def settle(connection: asyncpg.Connection, orders: list[Order]) -> None:
    """Put them into the tables, with all that is derived from them."""
    await connection.execute(
        "SELECT ensure_month('closed_orders', now() - make_interval(months => m)) FROM generate_series(0, 4) AS m"
    )
    index = [(order.order_id, order.order_no, order.opened_at) for order in orders]
    await connection.copy_records_to_table("order_index", records=index, columns=["order_id", "order_no", "opened_at"])
    rows = [(order, _row(order)) for order in orders]
    await connection.copy_records_to_table(
        "open_orders", records=[row for order, row in rows if order.open], columns=_COLUMNS
    )
    await connection.copy_records_to_table(
        "closed_orders", records=[(*row, row[11]) for order, row in rows if not order.open],
        columns=[*_COLUMNS, "closed_at"],
    )  # fmt: skip
    items = [(item, order.order_no) for order in orders for item in order.items]
    await connection.copy_records_to_table("order_items", records=items, columns=["item_id", "order_no"])
    await connection.execute("INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders")
    await connection.execute(
        """INSERT INTO stay_days
           SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date, count(*)
             FROM open_orders GROUP BY 1, 2, 3, 4"""
    )
    await connection.execute(
        """INSERT INTO counts (partition, stage, partner, orders, odd)
           SELECT partition, stage, coalesce(partner, ''), count(*), count(*) FILTER (WHERE anomalies > 0)
             FROM (SELECT partition, stage, partner, anomalies FROM open_orders
                    UNION ALL SELECT partition, stage, partner, anomalies FROM closed_orders) AS either
            GROUP BY 1, 2, 3"""
    )
    await connection.execute("VACUUM ANALYZE")


def _row(order: Order) -> tuple[object, ...]:
    amount, currency = order.price or (None, None)
    return (
        order.order_no, order.order_id, order.order_no % 4, order.stage, STAGES[order.stage].holder, order.partner,
        order.customer_id, amount, currency, order.opened_at, order.since, order.since, 3, order.anomalies,
        order.order_no, order.since, order.opened_by,
    )  # fmt: skip
