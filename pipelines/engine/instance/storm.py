"""Tell a bad deploy from bad orders: when many orders of the last minute park, stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from schemas.errors import ParkingStorm

MAX_PARKED = 20
MAX_SHARE = 0.01
WINDOW_SECONDS = 60.0


class StormWatch:
    """Counts orders touched and orders newly parked over a sliding minute of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int, int]] = deque()
        self._orders = 0
        self._parked = 0

    def check(self, orders: int, parked: int, last_reason: str) -> None:
        """Look at a batch about to commit.

        Raises:
            ParkingStorm: with it, more than 20 orders and more than 1% of the minute's orders would be parked. The
                batch must not commit.
        """
        self._forget_old()
        orders, stopped = self._orders + orders, self._parked + parked
        if parked and stopped > MAX_PARKED and stopped > MAX_SHARE * orders:
            raise ParkingStorm(stopped, orders, last_reason)

    def count(self, orders: int, parked: int) -> None:
        """Count a batch that has committed."""
        self._seen.append((self._clock(), orders, parked))
        self._orders += orders
        self._parked += parked

    def _forget_old(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._seen and self._seen[0][0] < oldest:
            _, orders, parked = self._seen.popleft()
            self._orders -= orders
            self._parked -= parked
