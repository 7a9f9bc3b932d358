"""A shop with a past: a ledger of many rows and many orders on their way, made once and copied for each run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from benchmarks.events import STEPS, event, order_id
from benchmarks.rows import COLUMNS, row_of
from benchmarks.template import PATIENCE, copy
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.transport import Message
from schemas.lifecycle import STAGES, Stage
from schemas.streams import partition_of
from schemas.views import OrderState

PARTITIONS = 8
EVENTS_PER_ORDER = 6

_OPENED = datetime(2025, 12, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class History:
    """How much there is already: rows in the ledger, and orders on their way."""

    ledger_rows: int
    open_orders: int

    def order_no(self, number: int) -> int:
        """Return the number in the ledger of open order `number`; neighbours lie far apart."""
        orders = self.ledger_rows // EVENTS_PER_ORDER
        return 1 + number * 7_368_787 % orders

    def next_events(self, count: int, *, seed: int = 1, duplicates: float = 0.05, new: float = 0.08) -> list[Message]:
        """Return about `count` events: the next step of orders drawn at random, new orders, and exact duplicates."""
        chance = random.Random(seed)
        drawn = iter(chance.sample(range(self.open_orders), min(self.open_orders, count)))
        messages: list[Message] = []
        fresh = self.open_orders
        while len(messages) < count:
            roll = chance.random()
            if messages and roll < duplicates:
                messages.append(messages[chance.randrange(max(0, len(messages) - 50_000), len(messages))])
            elif roll < duplicates + new:
                messages.append(event(chance, fresh, 0))
                fresh += 1
            else:
                number = next(drawn)
                messages.append(event(chance, number, _step(number) + 1))
        return messages

    async def copied_to(self, admin_dsn: str, database: str) -> None:
        """Put a copy in place of an empty database; what is copied is made if it is not there."""
        await copy(admin_dsn, database, f"bench_history_{self.ledger_rows}_{self.open_orders}_", b"", self._fill)

    async def _fill(self, connection: asyncpg.Connection) -> None:
        orders = self.ledger_rows // EVENTS_PER_ORDER
        patience = {"timeout": PATIENCE}
        await connection.execute(named_sql(__package__, "history_begin"), **patience)
        await connection.copy_records_to_table(
            "order_index", records=self._index(), columns=["order_id", "order_no", "opened_at"], **patience
        )
        await connection.copy_records_to_table("open_orders", records=self._open(), columns=COLUMNS, **patience)
        fill = named_sql(__package__, "history_fill").replace(":orders", str(orders))
        for statement in fill.replace(":events", str(EVENTS_PER_ORDER)).split(";\n"):
            await connection.execute(statement, **patience)

    def _index(self) -> Iterator[tuple[str, int, datetime]]:
        for number in range(self.open_orders):
            yield order_id(number), self.order_no(number), _OPENED

    def _open(self) -> Iterator[tuple[Any, ...]]:
        for number in range(self.open_orders):
            stage = Stage(STEPS[_step(number)][0])
            opened = _OPENED + timedelta(seconds=number)
            state = OrderState(
                order_id=order_id(number), stage=stage, holder=STAGES[stage].holder, partner=f"p{number % 40}",
                customer_id=f"c-{number % 99991}", price_amount=None, price_currency=None, opened_at=opened,
                stage_since=opened, stage_recorded_at=opened, revision=_step(number) + 1, anomalies=0, last_offset=-1,
                last_recorded_at=opened, opened_by=f"/partners/p{number % 40}",
            )  # fmt: skip
            yield row_of(self.order_no(number), partition_of(state.order_id, PARTITIONS), state)


def _step(number: int) -> int:
    """The step of `STEPS` at which an open order stands: any but the last."""
    return number % (len(STEPS) - 1)
