"""Letting a partition go ends at once, also in the very moment in which its cache keeper is woken."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from pipelines.engine.instance.instance import PipelineInstance
from pipelines.engine.stores.cache import Cache
from pipelines.flows.declared import flow_named
from tests.support.runs import Run


@pytest.mark.parametrize("steps", range(5))
async def test_a_keeper_just_woken_does_not_swallow_the_cancellation(run: Run, steps: int) -> None:
    """`asyncio.wait_for` before Python 3.12 could; the partition's handover then waited for ever."""
    flow = flow_named("views@1")
    async with Redis.from_url(run.settings.redis_url) as redis:
        instance = PipelineInstance(
            flow.name,
            flow.projection(),
            dsn=run.settings.postgres_dsn,
            partitions=1,
            cache=Cache(redis, run.settings.redis_prefix, "views@1"),
            owner_name="test",
        )
        await instance.claim(0)
        for _ in range(3):  # let the keeper come to rest
            async with instance._partitions[0].busy:
                await asyncio.sleep(0.05)
        instance._partitions[0].look.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await instance.release(0)
