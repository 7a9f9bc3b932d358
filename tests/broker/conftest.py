"""A virtual host for all tests of the broker, and a super stream of its own for each."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from faststream import FastStream

from cli.localservers import Addresses, run_environment, unique_run_name
from pipelines.engine.broker import StreamBroker, TestStreamBroker

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
async def url(servers: Addresses) -> AsyncIterator[str]:
    """A virtual host on the real broker."""
    async with run_environment(servers, unique_run_name("broker")) as own:
        yield own.stream_url


@pytest.fixture
async def stream(url: str) -> str:
    """An empty super stream of two partitions."""
    return await new_stream(url)


async def new_stream(url: str, partitions: int = 2) -> str:
    """Make another super stream and return its name."""
    name = f"stream{next(_NUMBERS)}"
    await StreamBroker(url).create_super_stream(name, partitions)
    return name


@asynccontextmanager
async def serving(broker: StreamBroker) -> AsyncIterator[FastStream]:
    """Run a broker in an application, for as long as the block lasts."""
    app = FastStream(broker, logger=None)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def has(items: Sequence[object], count: int) -> Callable[[], Awaitable[bool]]:
    """Return a condition: so many items are there."""

    async def enough() -> bool:
        return len(items) >= count

    return enough


class World:
    """Where a behaviour is tried: in memory, or on a real broker."""

    def __init__(self, url: str, *, real: bool) -> None:
        self.url = url
        self.real = real

    async def stream(self) -> str:
        """Return the name of an empty super stream."""
        return await new_stream(self.url) if self.real else f"stream{next(_NUMBERS)}"

    async def plain_stream(self) -> str:
        """Return the name of an empty plain stream: a partition by its own name is one."""
        return f"{await self.stream()}-0"

    @asynccontextmanager
    async def __call__(self, broker: StreamBroker) -> AsyncIterator[StreamBroker]:
        """Start the broker for as long as the block lasts; every subscriber reads."""
        async with TestStreamBroker(broker, with_real=self.real, connect_only=False) as started:
            yield started


@pytest.fixture(params=["memory", "real"])
def world(request: pytest.FixtureRequest) -> World:
    """Run the test twice: in memory and on a real broker."""
    if request.param == "memory":
        return World("rabbitmq-stream://nobody@localhost", real=False)
    return World(request.getfixturevalue("url"), real=True)
