"""A service's role needs USAGE of the schema, and can do with it what it is for: publish, and see what is pending."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from cli.localservers import Addresses, unique_run_name
from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.assignment import Assignment
from pipelines.edges.outbox.installation import install
from pipelines.engine.stores.postgres import BY_KEY, connect
from tests.outbox.databases import database_on, server_of
from tests.outbox.relaying import publish

GRANTED = """
SELECT relname || ' ' || kind
  FROM pg_class
 CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS kind
 WHERE relnamespace = 'warren_outbox'::regnamespace AND relkind IN ('r', 'p', 'v')
   AND has_table_privilege($1, oid, kind)
UNION ALL
SELECT relname || ' ' || kind
  FROM pg_class
 CROSS JOIN unnest('{USAGE,SELECT,UPDATE}'::text[]) AS kind
 WHERE relnamespace = 'warren_outbox'::regnamespace AND relkind = 'S' AND has_sequence_privilege($1, oid, kind)
UNION ALL
SELECT proname || ' EXECUTE'
  FROM pg_proc
 WHERE pronamespace = 'warren_outbox'::regnamespace AND has_function_privilege($1, oid, 'EXECUTE')
"""

FORBIDDEN = (
    "INSERT INTO warren_outbox.event (segment, subject, id, type, body) VALUES (0, 'A', '1', 'x', '{}')",
    "SELECT body FROM warren_outbox.event",
    "DELETE FROM warren_outbox.event_0",
    "SELECT * FROM warren_outbox.batch",
    "UPDATE warren_outbox.outbox SET source = '/crm'",
    "BEGIN; LOCK TABLE warren_outbox.event",
    "SELECT nextval('warren_outbox.event_seq')",
    "CREATE TABLE warren_outbox.mine ()",
)


@asynccontextmanager
async def _role(server: str) -> AsyncIterator[str]:
    """Give a role that may log in, and has nothing to its name at the end."""
    name, connection = unique_run_name("role"), await asyncpg.connect(server)
    await connection.execute(f"CREATE ROLE {name} LOGIN")
    try:
        yield name
    finally:
        await connection.execute(f"DROP OWNED BY {name} CASCADE")
        await connection.execute(f"DROP ROLE {name}")
        await connection.close()


@pytest.fixture
async def role(module_dsn: str) -> AsyncIterator[str]:
    """A role that may log in and use the schema."""
    async with _role(module_dsn) as name:
        owner = await asyncpg.connect(module_dsn)
        await owner.execute(f"GRANT USAGE ON SCHEMA warren_outbox TO {name}")
        await owner.close()
        yield name


@pytest.fixture
async def guest(service: asyncpg.Connection, module_dsn: str, role: str) -> AsyncIterator[asyncpg.Connection]:
    """That role's connection."""
    connection = await asyncpg.connect(module_dsn, user=role)
    yield connection
    await connection.close()


async def test_it_can_publish_and_see_what_is_pending(guest: asyncpg.Connection) -> None:
    given = await publish(guest, "A", "initiated")
    assert await guest.fetchval("SELECT array_agg(id) FROM warren_outbox.pending") == [given]


async def test_it_has_no_other_right_on_anything_there(guest: asyncpg.Connection, role: str) -> None:
    granted = {row[0] for row in await guest.fetch(GRANTED, role)}
    assert granted == {"publish EXECUTE", "pending SELECT"}


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_it_can_neither_read_nor_write_the_tables(guest: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await guest.execute(statement)


async def test_without_usage_nothing_can_be_done(service: asyncpg.Connection, module_dsn: str) -> None:
    async with _role(module_dsn) as name:
        stranger = await asyncpg.connect(module_dsn, user=name)
        for statement in ("SELECT warren_outbox.publish('A', 'x')", "SELECT * FROM warren_outbox.pending"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for schema warren_outbox"):
                await stranger.execute(statement)
        await stranger.close()


async def test_nothing_of_the_callers_runs_with_the_owners_rights(
    service: asyncpg.Connection, guest: asyncpg.Connection, role: str
) -> None:
    """Functions, operators, types and tables of the caller's, under the names that `publish` uses."""
    await service.execute(f"CREATE SCHEMA hostile AUTHORIZATION {role}")
    for schema in ("hostile", "pg_temp"):
        for name, arguments, returns in (
            ("starts_with", "text, text", "boolean"),
            ("length", "text", "integer"),
            ("jsonb_typeof", "jsonb", "text"),
            ("to_json", "text", "json"),
            ("nextval", "text", "bigint"),
            ("txid_current", "", "bigint"),
            ("pg_advisory_xact_lock", "integer, integer", "void"),
            ("convert_to", "text, text", "bytea"),
            ("hijack", "text, text", "boolean"),
        ):
            await guest.execute(
                f"CREATE FUNCTION {schema}.{name}({arguments}) RETURNS {returns} LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$"
            )
        for operator in ("~", "!~", "<>", "="):
            await guest.execute(
                f"CREATE OPERATOR {schema}.{operator} (LEFTARG = text, RIGHTARG = text, FUNCTION = {schema}.hijack)"
            )
        await guest.execute(f"CREATE TABLE {schema}.outbox (source text); CREATE TABLE {schema}.event (body text)")
    await guest.execute("CREATE DOMAIN pg_temp.uuid AS text CHECK (false)")
    await guest.execute("SET search_path TO hostile, pg_temp, pg_catalog")
    written = await guest.fetchval("SELECT warren_outbox.publish('A'::varchar, 'order.initiated.v1'::varchar)")
    assert await service.fetchval("SELECT id FROM warren_outbox.event") == written
    assert await service.fetchval("SELECT id FROM warren_outbox.pending") == written


async def test_a_role_without_privileges_of_its_own_can_install_and_relay(servers: Addresses) -> None:
    server = server_of(servers)
    async with _role(server) as name, database_on(server) as dsn:
        admin = await asyncpg.connect(dsn)
        await admin.execute(f"GRANT CREATE ON DATABASE {dsn.rpartition('/')[2]} TO {name}")
        await admin.close()
        theirs = f"postgresql://{name}@{dsn.rpartition('@')[2]}"
        for _ in range(2):
            await install(theirs, "/shop")
        connection = await connect(theirs, SCHEMA, planning=BY_KEY)
        given = await publish(connection, "A", "initiated")
        batch = await (await Assignment.load(connection, 4)).next()
        assert batch is not None
        assert [message.message_id for _, message in batch.messages] == [given]
        await connection.close()
