"""An outbox in the test's own database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.installation import install
from pipelines.engine.stores.postgres import BY_KEY, connect
from tests.support.runs import Run


@pytest.fixture
async def dsn(run: Run) -> str:
    """The database of a service, with its outbox: Shop's, in the same database as the views."""
    await install(run.settings.postgres_dsn, "/shop")
    return run.settings.postgres_dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that outbox's schema, planning as a relay's does."""
    connection = await connect(dsn, SCHEMA, application="warren test", planning=BY_KEY)
    yield connection
    await connection.close()
