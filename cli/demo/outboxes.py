"""A simulated service's own database: its events go into the outbox there, and a relay brings them into the stream."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from cli.demo.planned import Planned
from pipelines.edges.outbox import SCHEMA
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.errors import Reason

_PUBLISH = named_sql(__package__, "outbox_publish")
_PENDING = named_sql(__package__, "outbox_pending")


class ServiceOutbox:
    """The outbox in database `dsn`, over one connection made anew when it is lost."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection: asyncpg.Connection | None = None

    async def write(self, messages: Sequence[Planned]) -> None:
        """Write the events in one transaction. Raises one of DATABASE_ERRORS: it may have committed nevertheless."""
        connection = await self._connected()
        async with connection.transaction():
            await connection.executemany(_PUBLISH, [_arguments(message) for message in messages])

    async def pending(self, messages: Sequence[Planned]) -> int:
        """Return how many of these events are not confirmed yet. Raises one of DATABASE_ERRORS."""
        connection = await self._connected()
        waiting: int = await connection.fetchval(_PENDING, [message.event_id for message in messages])
        return waiting

    def close(self) -> None:
        """Let the connection go. Idempotent."""
        if self._connection is not None:
            self._connection.terminate()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self.dsn, SCHEMA, application="warren demo")
        return self._connection


def takes(message: Planned) -> bool:
    """Whether an outbox can say this: a service's own event at home. What is bad comes from strangers' clients."""
    return not message.stray and message.reason in (None, Reason.CONFLICT) and _source(message) == f"/{message.sender}"


def _source(message: Planned) -> object:
    return orjson.loads(message.body)["source"]


def _arguments(message: Planned) -> tuple[object, ...]:
    event = orjson.loads(message.body)
    time = datetime.fromisoformat(event["time"])
    return (
        event["subject"],
        event["type"],
        orjson.dumps(event["data"]).decode(),
        event["id"],
        time,
        event["traceparent"],
    )
