"""The owner of an outbox need not be a superuser: what it may not see of the service's transactions it says so of."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.lag import read_lag
from pipelines.edges.outbox.reporting import Reporting
from pipelines.engine.stores.postgres import connect
from tests.outbox.relaying import publish
from tests.support.runs import Run


async def test_a_transaction_that_is_hidden_is_named_and_its_age_is_measured(
    dsn: str, database: asyncpg.Connection, run: Run
) -> None:
    role = f"plain_{urlsplit(dsn).path[1:]}"
    await database.execute(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {SCHEMA} TO {role}")
    await database.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}")
    place = urlsplit(dsn)
    plain = await connect(place._replace(netloc=f"{role}@{place.hostname}:{place.port}").geturl(), SCHEMA)
    reporting = Reporting(run.settings, dsn)
    try:
        async with database.transaction():
            await publish(database, "A1", "initiated")
            [seen] = (await read_lag(plain)).writers
            assert seen.pid == database.get_server_pid()
            assert (seen.state, seen.age_s, seen.query) == (None, None, None)
            first = reporting._aged(await read_lag(plain)).writers[0].age_s
            await asyncio.sleep(0.05)
            second = reporting._aged(await read_lag(plain)).writers[0].age_s
            assert first is not None
            assert second is not None
            assert second >= first + 0.05
        async with database.transaction():
            await publish(database, "A1", "note_added")
            third = reporting._aged(await read_lag(plain)).writers[0].age_s
            assert third is not None
            assert third < second, "another transaction of the same connection"
        await database.execute(f"GRANT pg_read_all_stats TO {role}")
        async with database.transaction():
            await publish(database, "A1", "note_added")
            [seen] = (await read_lag(plain)).writers
            assert seen.age_s is not None
            assert "publish" in (seen.query or "")
    finally:
        await plain.close()
        await database.execute(f"DROP OWNED BY {role} CASCADE")
        await database.execute(f"DROP ROLE {role}")
