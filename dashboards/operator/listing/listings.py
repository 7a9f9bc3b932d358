"""Pages of orders, from Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from dashboards.operator.database import Database
from dashboards.operator.listing.question import Question, Sort
from dashboards.operator.listing.walk import FURTHEST, key_of, left_out, walk
from dashboards.operator.rows import Card, Standing
from dashboards.operator.shared import Shared
from pipelines.engine.stores.named_sql import named_sql

PAGE = 50
EXPORTED_AT_ONCE = 1_000

CURRENCIES_SECONDS = 60.0
"""A currency that is new shows so much later in the form."""

_COUNTED = named_sql(__package__, "counted")
_CURRENCIES = named_sql(__package__, "currencies")
_OF_CUSTOMER = named_sql(__package__, "of_customer")


@dataclass(frozen=True, slots=True)
class Page:
    """Orders in sequence. `before` and `after` are the cursors of the pages around it, empty where there is none.

    `searched`: the walk ended before the page was full, and goes on at `after`. `total` is how many orders the question
    means where that is known without counting them.
    """

    cards: tuple[Card, ...]
    before: str
    after: str
    searched: bool
    total: int | None
    standing: Standing


class Listings:
    """Answers questions. Every method raises StoreError where Postgres is away, BadCursor for a cursor that is none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._currencies: Shared[list[str]] = Shared(CURRENCIES_SECONDS)

    async def page(self, question: Question, limit: int = PAGE) -> Page:
        """The page of the question's cursor: the first, or the one behind or before it."""
        backwards = bool(question.before)
        start = question.before or question.after
        async with self._database.snapshot("orders") as (connection, instance):
            total, few = await counted(connection, question)
            rows, end = await walked(connection, question, limit + 1, start, backwards=backwards, few=few)
            if backwards and len(rows) <= limit and not end:
                # There is less than a page before the cursor: the first page, whole, is what the reader wants.
                start, backwards = "", False
                rows, end = await walked(connection, question, limit + 1, "", backwards=False, few=few)
            standing = await self._database.read_standing(connection, instance)
        key, more = key_of(question), len(rows) > limit
        shown = rows[:limit]
        ahead = key.cursor(shown[-1]) if more else end
        # Behind a page on which nothing was met lies also the order at which it began.
        behind = key.cursor(shown[0]) if shown else start and key.including(start, backwards=not backwards)
        return Page(
            cards=tuple(Card.from_row(row) for row in (reversed(shown) if backwards else shown)),
            before=ahead if backwards else behind if start else "",
            after=behind if backwards else ahead,
            searched=bool(end) and not more,
            total=total,
            standing=standing,
        )

    async def currencies(self) -> list[str]:
        """The currencies there are prices in, by name; of the last minute."""
        return await self._currencies.get("currencies", self._ask_currencies)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._currencies.close()

    async def _ask_currencies(self) -> list[str]:
        async with self._database.snapshot("currencies") as (connection, _):
            return sorted(row["price_currency"] for row in await connection.fetch(_CURRENCIES))

    async def all(self, question: Question) -> AsyncIterator[Sequence[Card]]:
        """All orders in question, some at a time (also none), at least once, each time from a snapshot of its own."""
        start, now = "", datetime.now(UTC)
        while True:
            async with self._database.snapshot("export") as (connection, _):
                _, few = await counted(connection, question)
                rows, end = await walked(
                    connection, question, EXPORTED_AT_ONCE, start, backwards=False, few=few, now=now
                )
            yield [Card.from_row(row) for row in rows]
            start = key_of(question).cursor(rows[-1]) if len(rows) == EXPORTED_AT_ONCE else end
            if not start:
                return


async def walked(
    connection: asyncpg.Connection,
    question: Question,
    limit: int,
    start: str,
    *,
    backwards: bool,
    few: bool,
    now: datetime | None = None,
) -> tuple[list[asyncpg.Record], str]:
    """Return the orders met, at most `limit`, and the cursor of where the walk ended; "" where there are no more."""
    way = walk(question, now or datetime.now(UTC), limit, start, backwards=backwards, few=few)
    rows = await connection.fetch(way.orders, *way.arguments)
    if len(rows) == limit:
        return rows, ""
    end = await connection.fetchrow(way.end, *way.end_arguments)
    return rows, "" if end is None else key_of(question).cursor(end)


async def counted(connection: asyncpg.Connection, question: Question) -> tuple[int | None, bool]:
    """Return how many orders are meant, None where the counts do not say, and whether they are among so few, of a
    partner say, that all of those can be read."""
    row = await connection.fetchrow(
        _COUNTED,
        None if question.stage is None else str(question.stage),
        question.partner or None,
        [str(stage) for stage in left_out(question)],
    )
    few = bool(question.partner and row["of_partner"] <= FURTHEST) or (question.odd and row["odd_of_all"] <= FURTHEST)
    if question.customer and not few:
        few = await connection.fetchval(_OF_CUSTOMER, question.customer, FURTHEST + 1) <= FURTHEST
    said = question.holder or question.customer or question.item or question.source or question.stuck
    total = None if said or question.sequence is Sort.PRICE else row["odd"] if question.odd else row["orders"]
    return total, few
