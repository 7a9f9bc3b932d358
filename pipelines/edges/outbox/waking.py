"""When to look for events again: soon after there were some, ever more rarely after that, at once when notified.

A transaction that notifies commits alone: PostgreSQL lets no other notifying one commit at the same time. So while a
relay looks every few milliseconds anyway it is awake, which a lock says, and writers do not notify. A writer that saw
it awake, and commits when it sleeps already, is found by the polls: as the time between two doubles, later by no more
than its transaction was open since, and by a second at most.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from pipelines.engine.stores.named_sql import named_sql

CHANNEL = "warren_outbox"

_AWAKE = named_sql(__package__, "awake_try")
_ASLEEP = named_sql(__package__, "awake_end")

_SHORTEST, _LONGEST = 0.002, 1.0
_ASLEEP_FROM = 0.05
"""Once there was nothing for about so long, in seconds, the relay sleeps."""


class Waking:
    """Decides when the owner looks; over the owner's connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._notified = asyncio.Event()
        self._pause = _SHORTEST
        self._awake = False

    async def start(self) -> None:
        """Listen from now on. Raises whatever the database does."""
        await self._connection.add_listener(CHANNEL, self._on_notification)

    async def found(self) -> None:
        """There was something: look again at once. Raises whatever the database does."""
        self._pause = _SHORTEST
        if not self._awake:
            self._awake = await self._connection.fetchval(_AWAKE)

    async def wait(self) -> None:
        """There was nothing: return when it is time to look again. Raises whatever the database does."""
        if self._awake and self._pause >= _ASLEEP_FROM:
            await self._connection.execute(_ASLEEP)
            self._awake = False
            return  # who committed a moment ago may have found us awake
        try:
            async with asyncio.timeout(self._pause):
                await self._notified.wait()
        except TimeoutError:
            pass
        self._notified.clear()
        self._pause = min(2 * self._pause, _LONGEST)

    def _on_notification(self, *_: Any) -> None:
        self._notified.set()
