"""What the tables would hold of a partition's orders, for tests that compare the hot cache with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipelines.engine.stores.cache import CardChange, Spot
from tests.stores.support import LANES


class Order(NamedTuple):
    """Where an order is, how often it changed, and when it came there."""

    lane: str
    revision: int
    score: int


class Truth:
    """Every order of one partition."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}

    def batch(self, moves: Iterable[tuple[str, str, int]]) -> tuple[list[CardChange], Mapping[str, int]]:
        """Move orders to lanes, or open them; return the changes, and differences of counts."""
        before = self.counts()
        changes = [self._change(*move) for move in moves]
        after = self.counts()
        return changes, {field: after[field] - before[field] for field in {*before, *after}}

    def card(self, order_id: str) -> bytes:
        """Return the order's present card."""
        return f"{order_id}#{self.orders[order_id].revision}".encode()

    def newest(self, lane: str) -> list[str]:
        """Return a lane's orders, the latest first."""
        return sorted((name for name, o in self.orders.items() if o.lane == lane), key=self._age, reverse=True)

    def counts(self) -> Counter[str]:
        """Return how many orders are in each lane."""
        return Counter(f"{order.lane}|" for order in self.orders.values())

    def cards(self, length: int) -> list[CardChange]:
        """Return what a rebuild reads: the newest of each lane."""
        return [
            CardChange(name, self.card(name), None, Spot(lane, self.orders[name].score))
            for lane in LANES
            for name in self.newest(lane)[:length]
        ]

    def _change(self, order_id: str, lane: str, score: int) -> CardChange:
        """An order keeps its score while it is in a lane, whatever is given."""
        before = self.orders.get(order_id)
        if before is not None and before.lane == lane:
            score = before.score
        self.orders[order_id] = Order(lane, 1 if before is None else before.revision + 1, score)
        was = None if before is None else Spot(before.lane, before.score)
        return CardChange(order_id, self.card(order_id), was, Spot(lane, score))

    def _age(self, order_id: str) -> tuple[int, str]:
        return self.orders[order_id].score, order_id
