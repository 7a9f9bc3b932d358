"""One order's transactions write one after another, whatever their isolation: who commits later has the greater seq."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.outbox.relaying import publish
from tests.support.waiting import until

LEVELS = ("read_committed", "repeatable_read", "serializable")
WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock')"


@pytest.fixture
async def other(module_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Another connection of the service."""
    connection = await asyncpg.connect(module_dsn)
    yield connection
    await connection.close()


async def _ids(connection: asyncpg.Connection) -> list[str]:
    return [row["id"] for row in await connection.fetch("SELECT id FROM warren_outbox.event ORDER BY seq")]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("of_the_other", LEVELS)
async def test_who_writes_an_order_later_waits_for_the_first_and_comes_after_it(
    service: asyncpg.Connection, other: asyncpg.Connection, module_dsn: str, level: str, of_the_other: str
) -> None:
    watching = await asyncpg.connect(module_dsn)
    second = service.transaction(isolation=level)
    await second.start()
    # It is the older one of the two, by snapshot and by number, and has a number in the outbox already.
    await publish(service, "B", "initiated", id="first of all")
    async with other.transaction(isolation=of_the_other):
        await publish(other, "A", "initiated", id="first")
        waiting = asyncio.create_task(publish(service, "A", "initiated", id="second"))
        await until(lambda: _waits_or_done(watching, service, waiting), "the second to wait")
        assert not waiting.done()
        await publish(other, "C", "initiated", id="the first goes on")
        await publish(other, "A", "initiated", id="first's second")
    await waiting
    await publish(service, "C", "initiated", id="last")
    await second.commit()
    expected = ["first of all", "first", "the first goes on", "first's second", "second", "last"]
    assert await _ids(watching) == expected
    await watching.close()


async def _waits_or_done(watching: asyncpg.Connection, writer: asyncpg.Connection, task: asyncio.Task[str]) -> bool:
    return task.done() or bool(await watching.fetchval(WAITS, writer.get_server_pid()))


@pytest.mark.parametrize("level", LEVELS)
async def test_an_order_whose_events_were_taken_back_is_free(
    service: asyncpg.Connection, other: asyncpg.Connection, level: str
) -> None:
    async with service.transaction(isolation=level):
        await publish(service, "B", "initiated", id="of another order")
        savepoint = service.transaction()
        await savepoint.start()
        await publish(service, "A", "initiated", id="taken back")
        await savepoint.rollback()
        await asyncio.wait_for(publish(other, "A", "initiated", id="meanwhile"), 30)
        await publish(service, "A", "initiated", id="after that")
    assert await _ids(service) == ["of another order", "meanwhile", "after that"]


async def test_other_orders_wait_for_nobody(service: asyncpg.Connection, other: asyncpg.Connection) -> None:
    async with service.transaction(isolation="serializable"):
        await publish(service, "A", "initiated", id="A")
        async with other.transaction(isolation="serializable"):
            await asyncio.wait_for(publish(other, "B", "initiated", id="B"), 30)
    assert await _ids(service) == ["A", "B"]
