"""Boards of all orders, or of some only."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.operator.listing.lanes import Lanes
from dashboards.operator.listing.question import Question
from dashboards.operator.reads import Reads
from dashboards.operator.rows import Board
from schemas.lifecycle import Stage


class Boards:
    """Whichever the question asks for. Raises StoreError where neither store can give a right answer."""

    def __init__(self, reads: Reads, lanes: Lanes) -> None:
        self._reads = reads
        self._lanes = lanes

    async def board(self, question: Question, stages: Sequence[Stage], limit: int) -> Board:
        """The lanes of `stages` with at most `limit` cards each."""
        if question.narrows:
            return await self._lanes.board(question, stages, limit)
        return await self._reads.board(stages, limit)
