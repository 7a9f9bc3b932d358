"""A relay inside the test's process, and what a service does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from pipelines.edges.outbox.relay import Relay
from tests.support.events import DATA
from tests.support.runs import Run
from tests.support.waiting import until


@asynccontextmanager
async def relaying(run: Run, dsn: str) -> AsyncIterator[Relay]:
    """Relay for as long as the block lasts."""
    relay = Relay(run.settings, dsn)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def publish(connection: asyncpg.Connection, order: str, name: str, **arguments: Any) -> str:
    """Write an event to the outbox, in the transaction that is open; return its id."""
    given = "".join(f', "{argument}" => ${place}' for place, argument in enumerate(arguments, 4))
    event_id: str = await connection.fetchval(
        f"SELECT warren_outbox.publish($1, $2, $3{given})",
        order,
        f"order.{name}.v1",
        json.dumps(DATA.get(name, {})),
        *arguments.values(),
    )
    return event_id


async def until_confirmed(connection: asyncpg.Connection) -> None:
    """Wait until nothing is pending."""

    async def nothing() -> bool:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM warren_outbox.pending"))

    await until(nothing, "the outbox to be published")
