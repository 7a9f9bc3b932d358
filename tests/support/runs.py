"""A test's own environment on real servers: virtual host, database, Redis keys, migrated, with its super stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from zlib import crc32

import asyncpg

from cli.localservers import Addresses, RunAddresses, run_environment, unique_run_name
from cli.localservers.runs import run_addresses
from pipelines.engine.settings import Settings
from pipelines.engine.stores.migrate import migrate_control, migrate_instance
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import create_super_stream
from pipelines.flows.declared import FLOWS


@dataclass(frozen=True, slots=True)
class Run:
    """One test's environment."""

    settings: Settings
    addresses: RunAddresses

    def environment(self) -> dict[str, str]:
        """Return the variables that lead another process here."""
        return {
            **self.addresses.as_environment(),
            "WARREN_PARTITIONS": str(self.settings.partitions),
            "WARREN_BOARD_SIGN_IN": "off",
        }

    async def connect(self, row_types: Sequence[str] = ()) -> asyncpg.Connection:
        """Return a connection to the views' schema, which takes packed rows of these types; the caller closes it."""
        return await connect(self.settings.postgres_dsn, "views_v1", application="warren test", row_types=row_types)


@asynccontextmanager
async def fresh_run(addresses: Addresses, *, partitions: int = 4, prepared: bool = True) -> AsyncIterator[Run]:
    """Give an environment and drop it afterwards. Not `prepared`: without tables and stream."""
    template = await migrated(addresses) if prepared else "template1"
    async with run_environment(addresses, unique_run_name("test"), template=template) as own:
        settings = Settings(
            _env_file=None, **own.model_dump(), partitions=partitions, board_port=0, board_sign_in="off"
        )
        if prepared:
            await create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)
        yield Run(settings, own)


async def migrated(addresses: Addresses) -> str:
    """Return the name of a database with all tables, to be copied; made once for a set of servers and a release."""
    name = f"migrated_{_release():08x}"
    postgres = await connect(addresses.postgres_dsn)
    try:
        await postgres.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", name)
        if not await postgres.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            for former in await postgres.fetch(r"SELECT datname FROM pg_database WHERE datname ~ '^migrated_'"):
                await postgres.execute(f'DROP DATABASE IF EXISTS "{former["datname"]}" WITH (FORCE)')
            unfinished = f"unfinished_{name}"
            await postgres.execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
            await postgres.execute(f'CREATE DATABASE "{unfinished}"')
            migrate(run_addresses(addresses, unfinished).postgres_dsn)
            await postgres.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    finally:
        await postgres.close()
    return name


@cache
def _release() -> int:
    """Tell migrations, and the months they make, from others."""
    packages = ("pipelines.engine.stores.migrations", *(flow.migrations.__name__ for flow in FLOWS))
    files = sorted(file for package in packages for file in Path(str(resources.files(package))).rglob("*.sql"))
    return crc32(f"{datetime.now(UTC):%Y-%m}".encode() + b"".join(file.read_bytes() for file in files))


async def prepare(settings: Settings) -> None:
    """Do what `warren migrate` and `warren topology apply` do."""
    migrate(settings.postgres_dsn)
    await create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)


def migrate(dsn: str) -> None:
    """Do what `warren migrate` does."""
    migrate_control(dsn)
    for flow in FLOWS:
        migrate_instance(dsn, flow.name, flow.migrations)
