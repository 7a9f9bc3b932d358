"""What the hot cache has of each partition, put together to a board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice

from dashboards.operator.rows import Card, Lane
from pipelines.engine.stores.cache import PartitionBoard
from schemas.lifecycle import Stage


class NotInCache(Exception):
    """The cache has no whole answer. `reason`: miss, behind or away."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Part:
    """One partition's board, whose cards are read when they are first asked for. The same only as itself."""

    def __init__(self, board: PartitionBoard) -> None:
        self.board = board
        self.counts: dict[str, dict[str, int]] = {}
        for field, number in board.counts.items():
            stage, _, partner = field.partition("|")
            self.counts.setdefault(stage, {})[partner] = number
        self._cards: dict[Stage, list[Card]] = {}

    def orders(self, stage: Stage) -> int:
        """How many orders are in a stage."""
        return sum(self.counts.get(stage, {}).values())

    def bodies(self, stage: Stage) -> list[bytes]:
        """A lane's cards as they came, the latest first."""
        return [body for body in self.board.lanes[stage] if body is not None]

    def cards(self, stage: Stage) -> Iterator[Card]:
        """A lane's cards. Raises NotInCache for one that cannot be read."""
        known = self._cards.setdefault(stage, [])
        for place, body in enumerate(self.bodies(stage)):
            if place == len(known):
                known.append(card_of(body))
            yield known[place]


def lane_of(stage: Stage, parts: Sequence[Part], limit: int) -> Lane:
    """Return a lane of all partitions. Raises NotInCache where cards are missing or cannot be read."""
    orders = [part.orders(stage) for part in parts]
    if any(len(part.bodies(stage)) < min(limit, here) for part, here in zip(parts, orders, strict=True)):
        raise NotInCache("miss")
    latest = merge(*(part.cards(stage) for part in parts), key=_place, reverse=True)
    return Lane(stage, sum(orders), tuple(islice(latest, limit)))


def counts_of(parts: Sequence[Part]) -> dict[str, dict[str, int]]:
    """Return the orders of all partitions by stage and partner."""
    counts: dict[str, dict[str, int]] = {}
    for part in parts:
        for stage, partners in part.counts.items():
            sums = counts.setdefault(stage, {})
            for partner, number in partners.items():
                if number:
                    sums[partner] = sums.get(partner, 0) + number
    return {stage: partners for stage, partners in counts.items() if partners}


def card_of(body: bytes) -> Card:
    """Read a card. Raises NotInCache where it was written by another release: Postgres can tell."""
    try:
        return Card.from_json(body)
    except (ValueError, TypeError) as error:
        raise NotInCache("miss") from error


def _place(card: Card) -> tuple[datetime, str]:
    return card.stage_since, card.order_id
