"""A test's own environment on real servers: virtual host, database, Redis keys, migrated, with its super stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from cli.localservers import Addresses, RunAddresses, run_environment, unique_run_name
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
    async with run_environment(addresses, unique_run_name("test")) as own:
        settings = Settings(
            _env_file=None, **own.model_dump(), partitions=partitions, board_port=0, board_sign_in="off"
        )
        if prepared:
            await prepare(settings)
        yield Run(settings, own)


async def prepare(settings: Settings) -> None:
    """Do what `warren migrate` and `warren topology apply` do."""
    migrate_control(settings.postgres_dsn)
    for flow in FLOWS:
        migrate_instance(settings.postgres_dsn, flow.name, flow.migrations)
    await create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)
