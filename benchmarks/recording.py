"""What a batch asks of the database, kept so that it can be asked again without the thinking in between."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg

Call = Callable[[asyncpg.Connection], Coroutine[Any, Any, Any]]


class Recording:
    """Stands in for a connection: passes on what is asked of it, and keeps it with all its arguments."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(lambda connection: getattr(connection, name)(*args, **kwargs))
            return await getattr(self._connection, name)(*args, **kwargs)

        return call


async def replay(connection: asyncpg.Connection, batches: list[list[Call]]) -> None:
    """Ask it all again."""
    for calls in batches:
        for call in calls:
            await call(connection)
