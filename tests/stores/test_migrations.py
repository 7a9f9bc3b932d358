"""Migrations: any number of times, any number at once, any number of versions side by side."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.stores.postgres import connect
from pipelines.flows.views import migrations
from schemas.errors import StoreError
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until

VIEWS, NEXT_VIEWS = InstanceName("views", 1), InstanceName("views", 2)

CATALOGUE = """
    SELECT n.nspname, c.relname, c.relkind::text, pg_get_expr(c.relpartbound, c.oid) AS bound, a.attname, a.attnotnull,
           format_type(a.atttypid, a.atttypmod) AS type, pg_get_indexdef(i.indexrelid) AS index
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
     WHERE n.nspname = ANY($1) ORDER BY 1, 2, a.attnum
"""


@pytest.fixture
async def bare(servers: Addresses) -> AsyncIterator[Run]:
    """A database without any tables."""
    async with fresh_run(servers, prepared=False) as run:
        yield run


def _migrate(run: Run, *names: InstanceName) -> None:
    migrate_control(run.settings.postgres_dsn)
    for name in names:
        migrate_instance(run.settings.postgres_dsn, name, migrations)


async def _catalogue(connection: asyncpg.Connection, *schemas: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.fetch(CATALOGUE, list(schemas))]


async def test_migrating_again_changes_nothing(bare: Run) -> None:
    _migrate(bare, VIEWS)
    connection = await connect(bare.settings.postgres_dsn)
    before = await _catalogue(connection, "warren", "views_v1")
    await connection.execute("INSERT INTO views_v1.checkpoint (partition, next_offset) VALUES (3, 7)")
    assert len(before) > 100
    _migrate(bare, VIEWS)
    assert await _catalogue(connection, "warren", "views_v1") == before
    assert await connection.fetchval("SELECT next_offset FROM views_v1.checkpoint") == 7
    await connection.close()


async def test_nothing_is_made_outside_the_schemas_asked_for(bare: Run) -> None:
    _migrate(bare, VIEWS)
    connection = await connect(bare.settings.postgres_dsn)
    rows = await connection.fetch(
        "SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    )
    assert {row["nspname"] for row in rows} == {"warren", "views_v1"}
    await connection.close()


async def test_a_second_version_stands_beside_the_first_with_tables_of_its_own(bare: Run) -> None:
    _migrate(bare, VIEWS)
    connection = await connect(bare.settings.postgres_dsn)
    await connection.execute("INSERT INTO views_v1.checkpoint (partition, next_offset) VALUES (0, 5)")
    first = await _catalogue(connection, "views_v1")
    _migrate(bare, NEXT_VIEWS)
    assert await _catalogue(connection, "views_v1") == first

    def without_schema(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [tuple(str(value).replace("views_v2", "views_v1") for value in row) for row in rows]

    assert without_schema(await _catalogue(connection, "views_v2")) == without_schema(first)
    assert await connection.fetchval("SELECT count(*) FROM views_v2.checkpoint") == 0
    # The functions work on the tables of their own schema.
    await connection.execute("SET search_path TO views_v2")
    await connection.execute("SELECT ensure_month('timeline', '2050-01-15')")
    assert await connection.fetchval("SELECT to_regclass('views_v2.timeline_2050_01')::text") == "timeline_2050_01"
    assert await connection.fetchval("SELECT to_regclass('views_v1.timeline_2050_01')") is None
    await connection.close()


async def test_the_first_version_of_a_pipeline_goes_live_and_later_ones_wait_for_a_decision(bare: Run) -> None:
    _migrate(bare, NEXT_VIEWS)
    _migrate(bare, VIEWS)
    connection = await connect(bare.settings.postgres_dsn)
    assert [tuple(row) for row in await connection.fetch("SELECT name, live_version FROM warren.pipelines")] == [
        ("views", 2)
    ]
    await connection.close()


async def test_a_migration_waits_for_the_one_that_runs_already(bare: Run) -> None:
    connection = await connect(bare.settings.postgres_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(f"SELECT pg_advisory_xact_lock({0x57415252454E})")
    migration = asyncio.create_task(asyncio.to_thread(_migrate, bare, VIEWS))

    async def waits() -> bool:
        return bool(
            await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        )

    await until(waits, "the migration to wait for the lock", seconds=20)
    assert await connection.fetchval("SELECT to_regnamespace('warren')") is None
    await transaction.rollback()
    await asyncio.wait_for(migration, 30)
    assert await connection.fetchval("SELECT to_regclass('views_v1.ledger')") is not None
    await connection.close()


async def test_many_migrations_at_once_make_one_set_of_tables(bare: Run) -> None:
    migration = "import sys; from tests.stores.test_migrations import migrate_here; migrate_here(sys.argv[1])"
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", migration, bare.settings.postgres_dsn, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    endings = await asyncio.wait_for(asyncio.gather(*[child.communicate() for child in children]), 100)
    assert [child.returncode for child in children] == [0, 0, 0], endings
    connection = await connect(bare.settings.postgres_dsn)
    assert await connection.fetchval("SELECT count(*) FROM warren.pipelines") == 1
    assert await connection.fetchval("SELECT count(*) FROM views_v1.checkpoint") == 0
    await connection.close()


def migrate_here(dsn: str) -> None:
    """What one of many processes does."""
    migrate_control(dsn)
    migrate_instance(dsn, VIEWS, migrations)


BROKEN = """
from pipelines.engine.stores.migrate import run_sql
revision, down_revision, branch_labels = "broken_0001", None, ("broken",)
def upgrade():
    run_sql("broken_migrations", "0001_broken")
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstanceName:
    """A pipeline whose own migration fails half way."""
    package = tmp_path / "broken_migrations"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "v0001_broken.py").write_text(BROKEN)
    (package / "0001_broken.sql").write_text("CREATE TABLE made (a int); SELECT 1 / 0; CREATE TABLE not_made (a int)")
    monkeypatch.syspath_prepend(tmp_path)
    return InstanceName("broken", 1)


async def _half_made(run: Run, name: InstanceName) -> list[str]:
    connection = await connect(run.settings.postgres_dsn)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", name.schema)
    await connection.close()
    return [row["tablename"] for row in rows]


async def test_a_migration_that_fails_leaves_nothing_behind(bare: Run, broken: InstanceName) -> None:
    migrate_control(bare.settings.postgres_dsn)
    package = importlib.import_module("broken_migrations")
    with pytest.raises(Exception, match="division by zero"):
        migrate_instance(bare.settings.postgres_dsn, broken, package)
    assert await _half_made(bare, broken) == []
    _migrate(bare, VIEWS)  # and stands in nobody's way


async def test_a_migration_that_fails_says_so_in_one_line(bare: Run, broken: InstanceName) -> None:
    migrate_control(bare.settings.postgres_dsn)
    package = importlib.import_module("broken_migrations")
    with pytest.raises(StoreError, match="refused the migration of broken_v1: division by zero") as raised:
        migrate_instance(bare.settings.postgres_dsn, broken, package)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "dsn", ["postgresql://nobody@127.0.0.1:1/nothing", "postgresql://nobody@no.such.host.invalid/x"]
)
def test_a_database_that_is_away_is_said_in_one_line(dsn: str) -> None:
    with pytest.raises(StoreError, match=r"WARREN_POSTGRES_DSN") as raised:
        migrate_control(dsn)
    assert "\n" not in str(raised.value)
