"""Stores to break: one base state a session, one copy a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses, unique_run_name
from tests.audit.stores import PARTITIONS, Stores, copy_of, fill
from tests.support.runs import Run, fresh_run


@pytest.fixture(scope="session")
async def base(servers: Addresses) -> AsyncIterator[Run]:
    """A run whose stores hold a bit of everything. Never connected to or changed by a test."""
    async with fresh_run(servers, partitions=PARTITIONS) as run:
        await fill(run.settings)
        yield run


@pytest.fixture
async def stores(base: Run) -> AsyncIterator[Stores]:
    """A copy of the base state's database that the test may break."""
    async with copy_of(base, unique_run_name("audit")) as copy:
        yield copy
