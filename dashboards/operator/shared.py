"""One question at a time: whoever asks the same meanwhile gets the same answer (no stampede, I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Shared(Generic[V]):
    """Answers kept for `seconds` after they came, failures too. An asker who leaves takes nobody's answer away."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tasks: dict[Hashable, asyncio.Task[V]] = {}
        self._good_until: dict[Hashable, float] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        """Return what `make` returned for `key`, lately or now. Raises what it raised."""
        now = asyncio.get_running_loop().time()
        for old in [known for known, until in self._good_until.items() if until <= now]:
            del self._tasks[old], self._good_until[old]
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(self._make(key, make))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is still being made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        try:
            return await make()
        finally:
            self._good_until[key] = asyncio.get_running_loop().time() + self._seconds
