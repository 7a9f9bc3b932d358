"""Starting and stopping: what is in hand is finished and counted, nothing is left behind, nothing runs twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faststream import FastStream
from faststream.exceptions import SetupError

from pipelines.engine.broker import MemoryPositions, Offset, StreamBroker, TestStreamBroker
from tests.broker.conftest import has
from tests.support.waiting import until


class SlowPositions(MemoryPositions):
    """Positions at the other end of a line."""

    async def store(self, partition: int, next_offset: int) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await super().store(partition, next_offset)


@pytest.mark.parametrize("batch", [False, True])
async def test_what_was_done_before_a_stop_is_counted_as_done(url: str, stream: str, batch: bool) -> None:
    broker, positions, done = StreamBroker(url), SlowPositions(), list[Any]()
    begun, goes_on = asyncio.Event(), asyncio.Event()
    subscriber = broker.subscriber(stream, batch=batch, group="g", positions=positions)

    @subscriber
    async def handle(body: Any) -> None:
        begun.set()
        await goes_on.wait()
        done.extend(body if batch else [body])

    app = FastStream(broker, logger=None)
    await app.start()
    await broker.publish_batch(*range(10), stream=stream, key="k")
    await begun.wait()
    stopping = asyncio.create_task(app.stop())

    async def told() -> bool:
        return not subscriber.running

    await until(told, "the subscriber to be told")
    goes_on.set()
    await stopping
    assert done[:1] == [0]
    assert done == list(range(len(done) if batch else 1)), "a batch is what the broker sent as one, up to all ten"
    assert sum(positions.offsets.values()) == len(done)


async def test_a_stop_that_is_cut_short_leaves_nothing_behind(url: str, stream: str) -> None:
    before, begun = asyncio.all_tasks(), asyncio.Event()
    broker = StreamBroker(url)
    subscriber = broker.subscriber(stream, offset=Offset.first())

    @subscriber
    async def handle(body: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    await broker.start()
    async with StreamBroker(url) as direct:
        await direct.publish(1, stream)
    await begun.wait()
    stopping = asyncio.create_task(broker.stop())

    async def told() -> bool:
        return not subscriber.running

    async def nothing_left() -> bool:
        return not asyncio.all_tasks() - before

    await until(told, "the subscriber to be told")
    stopping.cancel()
    await asyncio.wait({stopping})
    assert stopping.cancelled()
    await until(nothing_left, "all tasks to end")


async def test_starting_twice_reads_once(url: str, stream: str) -> None:
    broker, seen = StreamBroker(url), list[int]()

    @broker.subscriber(stream, offset=Offset.first())
    async def handle(body: int) -> None:
        seen.append(body)

    await broker.start()
    await broker.start()
    await until(broker.ping, "the subscriber to read")
    await broker.publish_batch(*range(20), stream=stream, key="k")
    await until(has(seen, 20), "20 records")
    await broker.stop()
    assert seen == list(range(20))


@pytest.mark.parametrize("batch", [False, True])
async def test_in_memory_too_nothing_is_handled_before_the_start(batch: bool) -> None:
    broker = StreamBroker("rabbitmq-stream://nobody@localhost")

    @broker.subscriber("stream", batch=batch)
    async def handle(body: Any) -> None: ...

    async with TestStreamBroker(broker, connect_only=True):
        with pytest.raises(SetupError, match="not started"):
            await broker.publish(1, "stream")
