"""How many of a reader's partitions are worked on at once: who comes first is served first.

Fewer at once means that each is done sooner, while the others' batches grow: the mean delay falls, memory is bounded,
and the fixed cost of a batch is paid less often. More at once than keeps the processor busy gains nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """So many at once; None: as many as want."""

    def __init__(self, at_once: int | None) -> None:
        self._free = asyncio.Semaphore(sys.maxsize if at_once is None else at_once)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn and have it inside. Whoever cannot go on there calls what is given: others may go on."""
        await self._free.acquire()
        held = True

        def make_way() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        try:
            yield make_way
        finally:
            make_way()
