"""Most tests here give batches straight to an instance and need no stream: they share one environment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses
from tests.support.emptied import empty, tables_only
from tests.support.runs import Run, fresh_run


@pytest.fixture(scope="module")
async def shared(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the module's own, without a stream."""
    async with tables_only(servers) as run:
        yield run


@pytest.fixture
async def run(shared: Run) -> Run:
    """The module's environment, emptied."""
    await empty(shared)
    return shared


@pytest.fixture
async def streaming(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the test's own, with a stream."""
    async with fresh_run(servers) as run:
        yield run
