"""What all work on the archive has in common: one at a time, tables taken for a moment only, files in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import asyncpg

from pipelines.edges.archive.errors import ArchiveBusy
from pipelines.edges.archive.progress import Step, Told
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect

T = TypeVar("T")

LOCK_SECONDS = 0.3
"""So long a swap waits for a table, and whoever comes behind it waits with it. Shorter than PostgreSQL's
`deadlock_timeout`, so that it is the swap that gives way."""

PATIENCE_SECONDS = 120.0
"""So long a swap is tried again."""

LONG = 24 * 3600.0
"""Time limit of a statement that reads or indexes a whole month, in seconds."""

_WAITED_FOR = named_sql(__package__, "waited_for")
_HOLDERS = named_sql(__package__, "holders")


@asynccontextmanager
async def alone(settings: Settings, instance: InstanceName) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection to the instance's tables to the only one who archives, restores or erases there.

    Raises:
        ArchiveBusy: somebody else does.
        Any of DATABASE_ERRORS.
    """
    connection = await connect(settings.postgres_dsn, instance.schema, application="warren archive")
    try:
        mine = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
        if not await connection.fetchval(mine, f"{instance.schema}.archive"):
            raise ArchiveBusy(
                f"somebody archives, restores or erases in {instance} just now; try again when that has ended"
            )
        yield connection
    finally:
        await connection.close(timeout=2)


async def patiently(connection: asyncpg.Connection, tables: Sequence[str], act: Callable[[], Awaitable[None]]) -> None:
    """Do what needs `tables` for itself, in a transaction; again and again where somebody holds them.

    Raises ArchiveBusy, naming who does, after `PATIENCE_SECONDS`; at once, where they wait for us.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}")
                await act()
                return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            await give_way(connection)
            if time.monotonic() > deadline:
                holder = await connection.fetchrow(_HOLDERS, list(tables))
                who = f"{holder['application']!r}, pid {holder['pid']}," if holder else "somebody"
                raise ArchiveBusy(
                    f"{who} has held {' or '.join(tables)} for {PATIENCE_SECONDS:.0f} s; let that end, then "
                    "run it again"
                ) from error
        await asyncio.sleep(LOCK_SECONDS)  # those that waited behind go first


async def give_way(connection: asyncpg.Connection) -> None:
    """Raise ArchiveBusy where somebody waits for a table that `connection` holds: a batch, for an order of that month
    which turns out to be an erased customer's. Each would wait for the other in the end, and no event should for long.
    """
    if await connection.fetchval(_WAITED_FOR):
        raise ArchiveBusy("somebody has to write to the month just now, which stays where it is; run it again")


async def in_thread(work: Callable[[Told], T], told: Told) -> T:
    """Run what blocks in a thread; where this is cancelled, it ends at its next step, before this does."""
    stopped = threading.Event()

    def telling(step: Step) -> None:
        if stopped.is_set():
            raise _Stopped
        told(step)

    working = asyncio.ensure_future(asyncio.to_thread(work, telling))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stopped.set()
        with suppress(Exception):
            await working
        raise


class _Stopped(Exception):
    """Ends a thread."""
