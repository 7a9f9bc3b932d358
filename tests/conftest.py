"""Fixtures every area shares: real servers, and an environment of its own for each test that asks."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from cli.localservers import Addresses
from tests.support.runs import Run, fresh_run
from tests.support.servers import real_servers


def pytest_configure() -> None:
    """Let Ctrl-C end us and our processes: what a shell starts in the background is deaf to it, and passes that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def servers() -> Iterator[Addresses]:
    """Real RabbitMQ, PostgreSQL and Redis; where none can be had, skip locally and fail in CI."""
    with real_servers("tests") as addresses:
        yield addresses


@pytest.fixture
async def run(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the test's own, migrated, with an empty super stream of four partitions."""
    async with fresh_run(servers) as own:
        yield own
