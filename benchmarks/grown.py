"""A shop that has grown for months: millions of orders in all tables the board reads, made once and copied.

A tenth of the orders are on their way. The others have ended, a ninth of them in each of the last nine months. All that
ended in the oldest month have their timelines, and so have a tenth of the open ones and of those that ended last.
The ledger is empty: no page reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from benchmarks.events import order_id
from benchmarks.template import PATIENCE, copy
from pipelines.edges.archive.month import Month
from pipelines.engine.stores.named_sql import named_sql
from schemas.lifecycle import FINAL, STAGES, Stage
from schemas.streams import partition_of

PARTITIONS = 8
MONTHS = 9
EVENTS_PER_ORDER = 5

POPULAR_ITEM = "part-0"
"""An item that a tenth of the orders have."""

_PARTS = ("grown_begin", "grown_month", "grown_timeline_month", "grown_open", "grown_end")


@dataclass(frozen=True, slots=True)
class GrownShop:
    """So many orders, a multiple of 100."""

    orders: int

    @property
    def a_month(self) -> int:
        """How many orders ended in each month, and how many are open; order `number` by number, the oldest first."""
        return self.orders // (MONTHS + 1)

    @property
    def with_timeline(self) -> int:
        """How many orders have their timeline."""
        return self.a_month + 2 * (self.a_month // 10)

    @property
    def months(self) -> list[Month]:
        """In which orders ended, the oldest first."""
        return [Month.of(datetime.now(UTC)).plus(-back) for back in reversed(range(MONTHS))]

    def live(self, count: int) -> list[str]:
        """Ids of open orders with their timeline."""
        return [order_id(number) for number in range(self.orders - count, self.orders)]

    def cold(self, count: int) -> list[str]:
        """Ids of orders that have ended this month, with their timeline, far apart from each other."""
        last = self.orders - self.a_month
        return [order_id(number) for number in _spread(last - self.a_month // 10, last, count)]

    def oldest(self, count: int) -> list[str]:
        """Ids of orders of the oldest month, far apart from each other."""
        return [order_id(number) for number in _spread(0, self.a_month, count)]

    async def copied_to(self, admin_dsn: str, database: str) -> None:
        """Put a copy in place of an empty database; what is copied is made if it is not there."""
        made_by = "".join(named_sql(__package__, part) for part in _PARTS) + str(self.months[-1])
        await copy(admin_dsn, database, f"bench_grown_{self.orders}_", made_by.encode(), self._fill)

    async def _fill(self, connection: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        await self._run(connection, "grown_begin")
        await connection.copy_records_to_table("drawn", records=self._drawn(), timeout=PATIENCE)
        open_stages = ", ".join(f"'{stage}'" for stage in STAGES if stage not in {*FINAL, Stage.UNOPENED})
        holders = ", ".join(f"('{stage}', '{facts.holder}')" for stage, facts in STAGES.items())
        words = {"now": now.isoformat(), "orders": self.orders, "stages": open_stages, "holders": holders}
        for place, month in enumerate(self.months):
            first, until = place * self.a_month, (place + 1) * self.a_month
            told_from = {0: first, MONTHS - 1: until - self.a_month // 10}.get(place, until)
            of_month = {
                "month": month.suffix, "begin": month.begin.isoformat(), "end": month.end.isoformat(),
                "over": min(month.end, now - timedelta(hours=1)).isoformat(), "first": first, "until": until,
                "told_from": told_from,
            }  # fmt: skip
            await self._run(connection, "grown_month", **words, **of_month)
            await self._run(connection, "grown_timeline_month", **of_month)
        told_from = self.orders - self.a_month // 10
        await self._run(connection, "grown_open", **words, first=self.orders - self.a_month, told_from=told_from)
        await self._run(connection, "grown_end", **words)

    async def _run(self, connection: asyncpg.Connection, part: str, **words: object) -> None:
        for statement in named_sql(__package__, part).format(**words).split(";\n"):
            await connection.execute(statement, timeout=PATIENCE)

    def _drawn(self) -> Iterator[tuple[int, str, int]]:
        for number in range(self.orders):
            name = order_id(number)
            yield number, name, partition_of(name, PARTITIONS)


def _spread(first: int, until: int, count: int) -> list[int]:
    """Return so many different numbers from `first` to `until`."""
    step = (until - first) // count
    return [first + step * place + 17 * place % step for place in range(count)]
