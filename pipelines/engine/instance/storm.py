"""Tell a bad deploy from bad orders: when many orders of the last minute park, stop.

Both numbers are of the partitions this process owns, since it owns them: what another owner parked among orders that
were never seen here says nothing. So a restart begins anew, and a bad deploy that is started again and again parks
some 20 orders a partition each time: batches of other partitions that have not committed are not seen. Different
orders are counted exactly while they are few, else from a sample, so that memory stays small at any speed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from schemas.errors import ParkingStorm

MAX_PARKED = 20
MAX_SHARE = 0.01
WINDOW_SECONDS = 60.0

REMEMBERED = 20_000
"""At most so many orders are remembered; above, only every second one, every fourth, and so on by their numbers."""


class StormWatch:
    """Knows how many orders the batches of this process touched in the last minute, and how many of them parked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._touched: dict[int, tuple[float, int]] = {}  # order number to when and partition, longest ago first
        self._every = 1
        self._parked: deque[tuple[float, int, int]] = deque()  # when, partition, how many

    def judge(self, orders: Iterable[int], newly_parked: int, last_reason: str) -> None:
        """Look at a batch about to commit.

        Raises:
            ParkingStorm: with it, more than 20 orders and more than 1% of the minute's orders would be parked. The
                batch must not commit.
        """
        if not newly_parked:
            return
        self._forget_old()
        parked = newly_parked + sum(number for _, _, number in self._parked)
        touched = self._every * len(self._touched.keys() | self._sample(orders))
        if parked > MAX_PARKED and parked > MAX_SHARE * touched:
            raise ParkingStorm(parked, max(parked, touched), last_reason)

    def count(self, partition: int, orders: Iterable[int], newly_parked: int) -> None:
        """Count a batch that has committed."""
        now = self._clock()
        for order_no in self._sample(orders):
            self._touched.pop(order_no, None)
            self._touched[order_no] = now, partition
        if newly_parked:
            self._parked.append((now, partition, newly_parked))
        self._forget_old()
        while len(self._touched) > REMEMBERED:
            self._every *= 2
            self._touched = {order_no: when for order_no, when in self._touched.items() if order_no % self._every == 0}

    def leave(self, partition: int) -> None:
        """Forget a partition that is no longer owned. Idempotent."""
        self._touched = {order_no: entry for order_no, entry in self._touched.items() if entry[1] != partition}
        self._parked = deque(entry for entry in self._parked if entry[1] != partition)

    def _sample(self, orders: Iterable[int]) -> set[int]:
        return {order_no for order_no in orders if order_no % self._every == 0}

    def _forget_old(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._parked and self._parked[0][0] < oldest:
            self._parked.popleft()
        while self._touched:
            order_no, (when, _) = next(iter(self._touched.items()))
            if when >= oldest:
                return
            del self._touched[order_no]
        self._every = 1
