"""Fixtures every area shares: real servers, and an environment of its own for each test that asks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from cli.localservers import Addresses, ServicesError, running_servers
from tests.support.runs import Run, fresh_run


@pytest.fixture(scope="session")
def servers() -> Iterator[Addresses]:
    """Real RabbitMQ, PostgreSQL and Redis; where none can be had, skip locally and fail in CI."""
    try:
        context = running_servers("tests")
        addresses = context.__enter__()
    except ServicesError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no servers: {error}")
    try:
        yield addresses
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
async def run(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the test's own, migrated, with an empty super stream of four partitions."""
    async with fresh_run(servers) as own:
        yield own
