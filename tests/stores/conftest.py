"""The stores need no stream: the tests of a module share one environment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from pipelines.engine.stores.cache import Cache
from tests.stores.support import Owner
from tests.support.emptied import run, shared
from tests.support.runs import Run

__all__ = ["run", "shared"]


@pytest.fixture
async def redis(run: Run) -> AsyncIterator[Redis]:
    """A client of the environment's Redis."""
    async with Redis.from_url(run.settings.redis_url) as client:
        yield client


@pytest.fixture
def cache(run: Run, redis: Redis) -> Cache:
    """The hot cache of `views@1`."""
    return Cache(redis, run.settings.redis_prefix, "views@1")


@pytest.fixture
def owner(cache: Cache) -> Owner:
    """Who writes it."""
    return Owner(cache)
