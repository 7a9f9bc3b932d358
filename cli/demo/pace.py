"""How fast the simulated services may publish, all together."""

from __future__ import annotations

import asyncio
import time

BURST_SECONDS = 0.2


class Pace:
    """At most `rate` messages a second on average; None: as fast as they can. May be changed at any time."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._tokens = 0.0
        self._at = time.monotonic()

    def change(self, rate: float | None) -> None:
        """Go on at another rate."""
        self._rate = rate
        self._tokens = 0.0
        self._at = time.monotonic()

    async def take(self, most: int) -> int:
        """Wait until at least one message may be published; return how many may, up to `most`."""
        while self._rate is not None:
            now = time.monotonic()
            self._tokens = min(self._tokens + (now - self._at) * self._rate, max(1.0, self._rate * BURST_SECONDS))
            self._at = now
            taken = min(most, int(self._tokens))
            if taken:
                self._tokens -= taken
                return taken
            await asyncio.sleep((1 - self._tokens) / self._rate)
        return most
