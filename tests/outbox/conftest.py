"""Outboxes: in the test's own database, or one for all tests of a module, in a database of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.installation import install
from pipelines.engine.stores.postgres import BY_KEY, connect
from tests.outbox.databases import ANOTHER_SERVER, outbox_in, server_of
from tests.support.runs import Run


@pytest.fixture
async def dsn(run: Run) -> AsyncIterator[str]:
    """The database of a service, with its outbox: Shop's, in the same database as the views."""
    if ANOTHER_SERVER in os.environ:
        async with outbox_in(os.environ[ANOTHER_SERVER]) as elsewhere:
            yield elsewhere
    else:
        await install(run.settings.postgres_dsn, "/shop")
        yield run.settings.postgres_dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that outbox's schema, planning as a relay's does."""
    connection = await connect(dsn, SCHEMA, application="warren test", planning=BY_KEY)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def module_dsn(servers: Addresses) -> AsyncIterator[str]:
    """The database of a service, with its outbox and nothing else, for all tests of a module."""
    async with outbox_in(server_of(servers)) as made:
        yield made


@pytest.fixture
async def service(module_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of that service, whose outbox is emptied."""
    connection = await asyncpg.connect(module_dsn)
    await connection.execute("TRUNCATE warren_outbox.event, warren_outbox.batch")
    yield connection
    await connection.close()
