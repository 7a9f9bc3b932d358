"""How much may wait for its confirm at once: so many events and bytes, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Room:
    """Room for `events` events of `size` bytes together. Not shared between event loops."""

    def __init__(self, events: int, size: int) -> None:
        self._events = events
        self._size = size
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()

    async def take(self, events: int, size: int) -> None:
        """Wait for room and take it; what would never fit gets all there is. Cancelled, it takes nothing."""
        if not self._waiting and self._fits(events, size):
            self._change(-events, -size)
            return
        turn = asyncio.get_running_loop().create_future()
        waiting = events, size, turn
        self._waiting.append(waiting)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(events, size)
            else:
                self._waiting.remove(waiting)
                self._let_in()
            raise

    def give(self, events: int, size: int) -> None:
        """Give back what was taken."""
        self._change(events, size)
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._fits(*self._waiting[0][:2]):
            events, size, turn = self._waiting.popleft()
            self._change(-events, -size)
            turn.set_result(None)

    def _fits(self, events: int, size: int) -> bool:
        return events <= self._events and size <= self._size

    def _change(self, events: int, size: int) -> None:
        self._events += events
        self._size += size
