"""Give batches straight to a pipeline instance: real PostgreSQL and Redis, no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from pipelines.engine.instance.instance import PipelineInstance
from pipelines.engine.stores.cache import Cache
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.transport import Batch, Chunk, encode
from pipelines.flows.views.projection import Views
from schemas.streams import partition_of
from schemas.views import OrderState, TimelineEntry
from tests.support.runs import Run

RECORDED = datetime(2026, 3, 12, tzinfo=UTC)

VIEWS = InstanceName("views", 1)

PARTITIONS = 4

Instance = PipelineInstance[OrderState, TimelineEntry]


def orders_of(partition: int, count: int, partitions: int = PARTITIONS) -> list[str]:
    """Return ids of orders whose home is `partition`."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        if partition_of(f"A{number}", partitions) == partition:
            found.append(f"A{number}")
        number += 1
    return found


def record(event: dict[str, Any] | bytes) -> bytes:
    """Return the event as it lies in the stream."""
    return encode(event if isinstance(event, bytes) else orjson.dumps(event), "m")


def chunk(
    events: Sequence[dict[str, Any] | bytes], offset: int = 0, *, recorded_at: datetime = RECORDED, partition: int = 0
) -> Chunk:
    """Return a chunk of these events, the first at `offset`."""
    return Chunk(partition, offset, recorded_at, [record(event) for event in events])


def batch(
    events: Sequence[dict[str, Any] | bytes], offset: int = 0, *, recorded_at: datetime = RECORDED, partition: int = 0
) -> Batch:
    """Return a batch of one chunk."""
    return Batch(partition, offset, [chunk(events, offset, recorded_at=recorded_at, partition=partition)])


@asynccontextmanager
async def instance(
    run: Run,
    projection: Views | None = None,
    *,
    claim: Sequence[int] = (0,),
    name: InstanceName = VIEWS,
    partitions: int = PARTITIONS,
    dsn: str | None = None,
) -> AsyncIterator[Instance]:
    """Give a pipeline instance that has claimed these partitions, and stop it afterwards."""
    async with Redis.from_url(run.settings.redis_url) as redis:
        running = PipelineInstance(
            name,
            projection or Views(),
            dsn=dsn or run.settings.postgres_dsn,
            partitions=partitions,
            cache=Cache(redis, run.settings.redis_prefix, str(name)),
            owner_name="test",
        )
        try:
            for partition in claim:
                await running.claim(partition)
            yield running
        finally:
            await running.stop()


async def commit_all(
    run: Run, *batches: Sequence[dict[str, Any] | bytes], projection: Views | None = None, offset: int = 0
) -> None:
    """Let a new instance commit these batches of partition 0, one behind the other from `offset`."""
    async with instance(run, projection) as running:
        for events in batches:
            await running.commit(batch(events, offset))
            offset += len(events)
