"""A board of some orders only: lanes of one partner's, of the stuck ones, of those with anomalies. From Postgres.

The cache has only the latest of each lane, whoever they are of; here every lane is a walk of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from dashboards.operator.database import Database
from dashboards.operator.listing.listings import counted, walked
from dashboards.operator.listing.question import Question
from dashboards.operator.rows import Board, Card, Lane
from dashboards.operator.shared import Shared
from dashboards.operator.stuck.reading import StuckOrders
from schemas.lifecycle import FINAL, STAGES, Stage

REUSE_SECONDS = 1.0


class Lanes:
    """Boards of some orders; many who look at the same ask once. Raises StoreError where Postgres is away."""

    def __init__(self, database: Database, stuck: StuckOrders) -> None:
        self._database = database
        self._stuck = stuck
        self._boards: Shared[Board] = Shared(REUSE_SECONDS)

    async def board(self, question: Question, stages: Sequence[Stage], limit: int) -> Board:
        """Of each of `stages` the `limit` orders in question that came last, or of stuck ones the longest there.

        A lane's number is exact where it is known without counting; else it is at least what was met.
        """
        key = (question, tuple(stages), limit)
        return await self._boards.get(key, lambda: self._ask(question, stages, limit))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._boards.close()

    async def _ask(self, question: Question, stages: Sequence[Stage], limit: int) -> Board:
        board = await self._database.board([], 0)
        async with self._database.snapshot("lanes") as (connection, _):
            lanes = [await _lane(connection, question, stage, limit) for stage in stages]
        if question == Question(stage=question.stage, stuck=True):
            numbers = dict.fromkeys(STAGES, 0)
            for found in await self._stuck.found():
                numbers[Stage(found.place.stage)] += found.orders
            lanes = [replace(lane, orders=max(numbers[lane.stage], len(lane.cards)), at_least=False) for lane in lanes]
        return replace(board, lanes=tuple(lanes))


async def _lane(connection: asyncpg.Connection, question: Question, stage: Stage, limit: int) -> Lane:
    if question.stuck and stage in FINAL:
        return Lane(stage, 0, ())
    asked = question.model_copy(update={"stage": stage})
    total, few = await counted(connection, asked)
    rows, end = await walked(connection, asked, limit + 1, "", backwards=False, few=few)
    cards = tuple(Card.from_row(row) for row in rows[:limit])
    if total is not None:
        return Lane(stage, total, cards)
    return Lane(stage, len(cards), cards, at_least=len(rows) > limit or bool(end))
