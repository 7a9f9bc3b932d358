"""A shop in which Ivan is to be forgotten and Maria is not: a stream, and the tables made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses, unique_run_name
from tests.audit.stores import PARTITIONS, Stores, copy_of
from tests.erasure.shop import fill
from tests.support.runs import Run, fresh_run


@pytest.fixture(scope="session")
async def shop(servers: Addresses) -> AsyncIterator[Run]:
    """The stream, and the tables before anything is erased. Never changed by a test."""
    async with fresh_run(servers, partitions=PARTITIONS) as run:
        await fill(run.settings)
        yield run


@pytest.fixture
async def stores(shop: Run) -> AsyncIterator[Stores]:
    """A copy of its database."""
    async with copy_of(shop, unique_run_name("erasure")) as copy:
        yield copy
