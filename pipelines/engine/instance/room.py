"""Memory for batches in hand, shared by the partitions of a process: who comes first is served first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pipelines.engine.transport import Batch

ROOM_BYTES = 40 * 1024 * 1024
"""What batches may take together, as `size_of` reckons: a batch of 4,000 usual events takes 26."""


def size_of(batch: Batch) -> int:
    """Return about how many bytes a batch takes while it is worked on: its events read, its rows made."""
    return sum(4096 + 4 * len(record) for chunk in batch.chunks for record in chunk.records)


class Room:
    """So many bytes. What needs more than all of it is alone in it."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._size = self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[Callable[[], None]]:
        """Wait for so much room and have it inside. Whoever cannot go on there calls what is given to make way."""
        size = min(size, self._size)
        held = 0

        def make_way() -> None:
            nonlocal held
            self._free += held
            held = 0
            self._admit()

        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            self._admit()
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._free += size
            turn.cancel()
            self._admit()
            raise
        held = size
        try:
            yield make_way
        finally:
            make_way()

    def _admit(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
                continue
            if size > self._free:
                return
            self._waiting.popleft()
            self._free -= size
            turn.set_result(None)
