"""What a relay does when it takes over: go on under the same name, or, where ids could be used twice, a new one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.assignment import Assignment
from pipelines.engine.stores.postgres import BY_KEY, connect
from pipelines.engine.transport import create_super_stream
from tests.examples.shops import stream_of
from tests.outbox.databases import database_on
from tests.outbox.relaying import publish, relaying, until_confirmed
from tests.support.runs import Run


async def generation(database: asyncpg.Connection) -> int:
    """The outbox's, of which each has a producer name of its own."""
    number: int = await database.fetchval("SELECT generation FROM warren_outbox.outbox")
    return number


async def ids_in(run: Run) -> dict[str, list[str]]:
    """Each order's events in the stream."""
    return {order: [event["id"] for event in events] for order, events in (await stream_of(run)).items()}


async def test_a_restart_goes_on_under_the_same_name(dsn: str, database: asyncpg.Connection, run: Run) -> None:
    written = []
    for _ in range(3):
        written.append(await publish(database, "A1", "note_added"))
        async with relaying(run, dsn):
            await until_confirmed(database)
    assert await generation(database) == 1
    assert await ids_in(run) == {"A1": written}


async def test_pointed_to_other_streams_it_publishes_there_what_waits(
    dsn: str, database: asyncpg.Connection, run: Run
) -> None:
    before = await publish(database, "A1", "note_added")
    async with relaying(run, dsn):
        await until_confirmed(database)
    orders = [f"B{number}" for number in range(20)]
    noted = {order: [await publish(database, order, "note_added")] for order in orders}
    assignment = await Assignment.load(database, run.settings.partitions)
    assert await assignment.next() is not None, "a batch for the former streams, noted and not sent"
    later = await publish(database, "C1", "note_added")
    other = replace(run, settings=run.settings.model_copy(update={"super_stream": "other", "partitions": 3}))
    await create_super_stream(run.settings.stream_url, "other", 3)
    async with relaying(other, dsn):
        await until_confirmed(database)
    assert await generation(database) == 2
    assert await ids_in(run) == {"A1": [before]}
    assert await ids_in(other) == {**noted, "C1": [later]}


async def test_a_copy_of_the_database_publishes_what_the_original_had_not(
    dsn: str, database: asyncpg.Connection, run: Run
) -> None:
    first = await publish(database, "A1", "note_added")
    async with relaying(run, dsn):
        await until_confirmed(database)
    noted = await publish(database, "A1", "note_added")
    assignment = await Assignment.load(database, run.settings.partitions)
    assert await assignment.next() is not None
    waiting = await publish(database, "A1", "note_added")
    name = urlsplit(dsn).path[1:]
    await database.close()
    server = urlsplit(dsn)._replace(path="/postgres").geturl()
    await _until_alone(server, name)
    async with database_on(server, template=name) as copy:
        connection = await connect(copy, SCHEMA, planning=BY_KEY)
        async with relaying(run, copy):
            await until_confirmed(connection)
        assert await generation(connection) == 2
        after = await publish(connection, "A1", "note_added")
        async with relaying(run, copy):
            await until_confirmed(connection)
        assert await generation(connection) == 2
        await connection.close()
    found = (await ids_in(run))["A1"]
    assert list(dict.fromkeys(found)) == [first, noted, waiting, after], "nothing skipped, nothing out of order"


async def test_ids_that_the_broker_has_and_the_outbox_never_gave_begin_a_new_name(
    dsn: str, database: asyncpg.Connection, run: Run
) -> None:
    """A backup was restored: what the broker knows by those ids it would throw away."""
    await publish(database, "A1", "note_added")
    async with relaying(run, dsn):
        await until_confirmed(database)
    await database.execute("UPDATE warren_outbox.batch SET first_ids = '{1,1,1,1}', next_ids = '{1,1,1,1}'")
    later = await publish(database, "A1", "note_added")
    async with relaying(run, dsn):
        await until_confirmed(database)
    assert await generation(database) == 2
    assert (await ids_in(run))["A1"][-1] == later


async def _until_alone(server: str, name: str) -> None:
    """A database is copied only while nobody uses it."""
    owner = await asyncpg.connect(server)
    async with asyncio.timeout(30):
        while await owner.fetchval("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1)", name):
            await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            await asyncio.sleep(0.05)
    await owner.close()
