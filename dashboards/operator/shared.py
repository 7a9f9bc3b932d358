"""One question at a time: whoever asks the same meanwhile gets the same answer (no stampede, I6)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Shared(Generic[V]):
    """Answers kept for `seconds` after they came, failures too. An asker who leaves takes nobody's answer away.

    In the last `ahead` of these seconds, whoever asks gets what is there, and has it asked anew for those to come.
    """

    def __init__(self, seconds: float, ahead: float = 0.0) -> None:
        self._seconds = seconds
        self._ahead = ahead
        self._tasks: dict[Hashable, asyncio.Task[V]] = {}
        self._coming: dict[Hashable, asyncio.Task[V]] = {}
        self._good_until: dict[Hashable, float] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        """Return what `make` returned for `key`, lately or now. Raises what it raised."""
        now = asyncio.get_running_loop().time()
        for old in [known for known, until in self._good_until.items() if until <= now]:
            del self._tasks[old], self._good_until[old]
        task = self._tasks.get(key)
        if key not in self._coming and (task is None or now + self._ahead > self._good_until.get(key, math.inf)):
            self._coming[key] = asyncio.create_task(self._make(key, make))
            self._coming[key].add_done_callback(_seen)
        return await asyncio.shield(task or self._coming[key])

    async def close(self) -> None:
        """Give up what is still being made."""
        tasks = list(self._coming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        try:
            return await make()
        finally:
            self._tasks[key] = self._coming.pop(key)
            self._good_until[key] = asyncio.get_running_loop().time() + self._seconds


def _seen(task: asyncio.Task[V]) -> None:
    """Nobody need ask for it any more; asyncio is not to complain of a failure that nobody has looked at."""
    if not task.cancelled():
        task.exception()
