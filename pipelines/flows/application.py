"""Wire a pipeline instance into a FastStream application: broker, consumer group, handler, hot cache."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from faststream import FastStream
from redis.asyncio import Redis

from pipelines.engine.broker import StreamBroker, StreamSubscriber, whole_batch
from pipelines.engine.instance.instance import PipelineInstance
from pipelines.engine.settings import Settings
from pipelines.engine.stores.cache import Cache
from pipelines.engine.telemetry import metrics
from pipelines.engine.transport import Batch, partition_count
from pipelines.flows.declared import Flow
from schemas.errors import ParkingStorm

AT_ONCE = 3
"""So many partitions of a process are worked on at once: while PostgreSQL works for one, the others' events are read
and folded. More keeps no processor busier, but makes every batch slower and takes memory."""


@dataclass(frozen=True, slots=True)
class Running:
    """An application and the parts of it that know how it fares."""

    app: FastStream
    instance: PipelineInstance[Any, Any]
    subscriber: StreamSubscriber


def _stop_at_a_storm(error: Exception) -> Literal["retry", "stop"]:
    return "stop" if isinstance(error, ParkingStorm) else "retry"


def _is_stopped(subscriber: StreamSubscriber, number: int) -> float:
    partition = subscriber.partitions.get(number)
    return float(partition is not None and partition.stopped)


async def build(flow: Flow, settings: Settings) -> Running:
    """Return the application that runs `flow`, not started yet.

    Raises:
        StreamMissing, StreamUnavailable: the super stream's number of partitions cannot be had, and without it no
            event's home is known.
    """
    partitions = await partition_count(settings.stream_url, settings.super_stream, settings.partitions)
    redis = Redis.from_url(settings.redis_url, socket_connect_timeout=1, socket_timeout=5)
    instance = PipelineInstance(
        flow.name,
        flow.projection(),
        dsn=settings.postgres_dsn,
        partitions=partitions,
        cache=Cache(redis, settings.redis_prefix, str(flow.name)),
        owner_name=f"{socket.gethostname()}:{os.getpid()}",
    )
    broker = StreamBroker(settings.stream_url, apply_types=False)
    subscriber = broker.subscriber(
        settings.super_stream,
        batch=True,
        group=str(flow.name),
        positions=instance,
        partitions=partitions,
        batch_records=settings.batch_events,
        max_workers=AT_ONCE,
        on_error=_stop_at_a_storm,
        decoder=whole_batch,
        title=str(flow.name),
        description="Lets each batch take effect exactly once.",
    )

    for number in range(partitions):
        gauge = metrics.STOPPED.labels(str(flow.name), str(number))
        gauge.set_function(partial(_is_stopped, subscriber, number))

    @subscriber
    async def commit(batch: Batch) -> None:
        await instance.commit(batch)

    async def close() -> None:
        await instance.stop()
        await redis.aclose()

    app = FastStream(broker, logger=None, after_shutdown=[close])
    return Running(app, instance, subscriber)
