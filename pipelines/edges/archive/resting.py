"""A month does not hurry: while the pipeline is late with its events, whoever archives mostly rests.

Where nothing is late, it works at full speed. Where events take effect late, whatever the cause, it rests after each
step for `REST` times as long as the step took. PostgreSQL rests with it: it is asked for rows only as they are wanted.
Where somebody has to write to the month, it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from pipelines.edges.archive.errors import ArchiveBusy
from pipelines.edges.archive.progress import Step, Told
from pipelines.edges.archive.working import give_way
from pipelines.engine.stores.named_sql import named_sql

REST = 6.0
"""So many times as long as it has worked it rests."""

LATE_SECONDS = 0.2
"""An event that takes effect so long after the log had recorded it is late."""

_LOOK_SECONDS = 0.25
_LONGEST_SECONDS = 5.0

_LATE = named_sql(__package__, "late")


class Resting:
    """What is told of every step, and rests then if it must. `late` and `busy` may be set by another thread."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._since = time.monotonic()
        self.late = False
        self.busy: ArchiveBusy | None = None

    def __call__(self, step: Step) -> None:
        """Tell of a step, and rest. Raises ArchiveBusy where somebody needs what is held."""
        self._told(step)
        if self.busy is not None:
            raise self.busy
        if self.late:
            time.sleep(min(REST * (time.monotonic() - self._since), _LONGEST_SECONDS))
        self._since = time.monotonic()


@asynccontextmanager
async def resting(connection: asyncpg.Connection, told: Told) -> AsyncIterator[Told]:
    """Give what to tell of each step from a thread; meanwhile the connection serves to see whether events are late."""
    rests = Resting(told)

    over = asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            rests.late = await connection.fetchval(_LATE, LATE_SECONDS)
            try:
                await give_way(connection)
            except ArchiveBusy as error:
                rests.busy = error
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await over.wait()

    looking = asyncio.create_task(look())
    try:
        yield rests
    finally:
        over.set()  # not cancelled: a query that is cancelled would end the transaction
        await asyncio.gather(looking, return_exceptions=True)
