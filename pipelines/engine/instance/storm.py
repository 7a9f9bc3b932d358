"""Tell a bad deploy from bad orders: when many orders of the last minute park, stop.

How many parked is asked of the database, so a restart forgets none. How many different orders a minute touched is
counted here: exactly while they are few, else from a sample, so that memory stays small at any speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from schemas.errors import ParkingStorm

MAX_PARKED = 20
MAX_SHARE = 0.01
WINDOW_SECONDS = 60.0

REMEMBERED = 20_000
"""At most so many orders are remembered; above, only every second one, every fourth, and so on by their numbers."""


class StormWatch:
    """Knows how many orders the batches of this process touched in the last minute, and of which partitions."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._touched: dict[int, float] = {}  # order number to when, the longest ago first
        self._every = 1
        self.partitions: set[int] = set()

    def judge(self, orders: Iterable[int], parked: int, last_reason: str) -> None:
        """Look at a batch about to commit that parks an order; with it, `parked` orders of the minute are parked.

        Raises:
            ParkingStorm: these are more than 20 and more than 1% of the minute's orders. The batch must not commit.
        """
        self._forget_old()
        touched = self._every * len(self._touched.keys() | self._sample(orders))
        if parked > MAX_PARKED and parked > MAX_SHARE * touched:
            raise ParkingStorm(parked, max(parked, touched), last_reason)

    def count(self, partition: int, orders: Iterable[int]) -> None:
        """Count a batch that has committed."""
        self.partitions.add(partition)
        now = self._clock()
        for order_no in self._sample(orders):
            self._touched.pop(order_no, None)
            self._touched[order_no] = now
        self._forget_old()
        while len(self._touched) > REMEMBERED:
            self._every *= 2
            self._touched = {order_no: when for order_no, when in self._touched.items() if order_no % self._every == 0}

    def _sample(self, orders: Iterable[int]) -> set[int]:
        return {order_no for order_no in orders if order_no % self._every == 0}

    def _forget_old(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._touched:
            order_no, when = next(iter(self._touched.items()))
            if when >= oldest:
                return
            del self._touched[order_no]
        self._every = 1
