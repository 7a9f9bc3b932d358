"""What is known of stuck orders, from one snapshot of Postgres; many who ask at once ask once."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboards.operator.database import Database
from dashboards.operator.shared import Shared
from dashboards.operator.stuck.counting import Overdue, Place, Span, Stuck, moments, spans, stuck
from pipelines.engine.stores.named_sql import named_sql

REUSE_SECONDS = 2.0

_DAYS = named_sql(__package__, "days")
_OVERDUE = named_sql(__package__, "overdue")
_BETWEEN = named_sql(__package__, "between")


class StuckOrders:
    """Where orders are stuck. Raises StoreError where Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: Shared[list[Stuck]] = Shared(REUSE_SECONDS)

    async def found(self) -> list[Stuck]:
        """How many orders are stuck, where and at whom, in the sequence of stages."""
        return await self._found.get("stuck", self._ask)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._found.close()

    async def _ask(self) -> list[Stuck]:
        now = datetime.now(UTC)
        asked = [(turn, span) for turn, found in enumerate(spans(now)) for span in found]
        columns = zip(*((str(span.stage), span.first, span.last) for _, span in asked), strict=True)
        async with self._database.snapshot("stuck") as (connection, _):
            days = await connection.fetch(_DAYS)
            between = await connection.fetch(_BETWEEN, *map(list, columns))
            overdue = await connection.fetch(_OVERDUE, moments(now)[0].date())
        counted: list[list[tuple[Span, dict[str, int]]]] = [[] for _ in moments(now)]
        for row in between:
            turn, span = asked[row["span"] - 1]
            counted[turn].append((span, {row["holder"]: row["orders"]}))
        return stuck(
            now,
            {(Place(row["stage"], row["holder"]), row["day"]): row["orders"] for row in days},
            counted,
            {(Place(row["stage"], row["holder"]), row["day"]): Overdue(row["passed"], row["ended"]) for row in overdue},
        )
