"""What a handler raises decides: again, or stop. Nothing is skipped, on a real stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from faststream import BaseMiddleware, FastStream
from faststream.exceptions import NackMessage, StopApplication, StopConsume

from pipelines.engine.broker import MemoryPositions, Offset, Position, StreamBroker, StreamSubscriber, whole_batch
from pipelines.engine.broker import annotations as given
from pipelines.engine.transport import Batch
from schemas.errors import StreamUnavailable
from tests.broker.conftest import has, serving
from tests.support.waiting import until


class Ruin(Exception):
    pass


def failed(subscriber: StreamSubscriber) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return subscriber.failure is not None

    return condition


@pytest.mark.parametrize("middlewares", [False, True], ids=["plain", "middlewares"])
@pytest.mark.parametrize("error", [ValueError("not today"), NackMessage()], ids=["error", "nack"])
async def test_a_failed_record_comes_again_and_none_before_it(
    url: str, stream: str, middlewares: bool, error: Exception
) -> None:
    broker = StreamBroker(url, middlewares=[BaseMiddleware] if middlewares else [])
    calls: list[int] = []
    failures = 0

    @broker.subscriber(stream, offset=Offset.first())
    async def handle(body: int) -> None:
        nonlocal failures
        calls.append(body)
        if body in (7, 8) and failures < 4:
            failures += 1
            raise error

    async with serving(broker):
        await broker.publish_batch(*range(20), stream=stream, key="k")
        await until(has(calls, 24), "20 records and 4 failures")
        await until(broker.ping, "all to be well")
    assert calls == [*range(7), 7, 7, 7, 7, *range(7, 20)]


async def test_a_failed_batch_comes_again_from_its_first_record(url: str, stream: str) -> None:
    broker = StreamBroker(url)
    done: list[int] = []
    failures = 0

    @broker.subscriber(stream, batch=True, offset=Offset.first(), batch_records=8)
    async def handle(batch: list[int]) -> None:
        nonlocal failures
        if failures < 3:
            failures += 1
            raise Ruin
        assert len(batch) <= 8
        done.extend(batch)

    async with serving(broker):
        await broker.publish_batch(*range(50), stream=stream, key="k")
        await until(has(done, 50), "50 records")
    assert (done, failures) == (list(range(50)), 3)


async def test_a_group_gets_a_failed_batch_again_from_its_positions(url: str, stream: str) -> None:
    broker, positions = StreamBroker(url), MemoryPositions()
    seen: list[int] = []
    failures = 0

    @broker.subscriber(stream, batch=True, group="g", positions=positions, decoder=whole_batch)
    async def handle(batch: Batch) -> None:
        nonlocal failures
        if failures < 3:
            failures += 1
            raise Ruin("not today")
        seen.extend(range(batch.first_offset, batch.end_offset))

    async with serving(broker):
        await broker.publish_batch(*range(50), stream=stream, key="k")
        await until(has(seen, 50), "50 records")
        await until(broker.ping, "all to be well")
    assert (seen, failures) == (list(range(50)), 3)


async def test_a_group_of_single_records_stores_how_far_it_came(url: str, stream: str) -> None:
    broker, positions = StreamBroker(url), MemoryPositions()
    calls: list[int] = []

    @broker.subscriber(stream, group="g", positions=positions)
    async def handle(body: int) -> None:
        calls.append(body)
        if body == 7 and calls.count(7) < 3:
            raise Ruin

    async with serving(broker):
        await broker.publish_batch(*range(20), stream=stream, key="k")
        await until(has(calls, 22), "20 records and 2 failures")
    assert calls == [*range(7), 7, 7, *range(7, 20)]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("group", [None, "g"])
async def test_a_cancellation_that_nobody_asked_for_is_an_error_like_any_other(
    url: str, stream: str, group: str | None, batch: bool
) -> None:
    """What a handler awaits may have been cancelled by others; that must not end the partition without a word."""
    broker, calls = StreamBroker(url), list[Any]()
    positions, offset = (MemoryPositions(), None) if group else (None, Offset.first())

    @broker.subscriber(stream, batch=batch, group=group, positions=positions, offset=offset)
    async def handle(body: Any) -> None:
        calls.append(body)
        if len(calls) < 3:
            lost = asyncio.get_running_loop().create_future()
            lost.cancel()
            await lost

    async with serving(broker):
        await broker.publish(1, stream)
        await until(has(calls, 3), "the record to come again")
        await until(broker.ping, "all to be well")
    assert calls == [[1] if batch else 1] * 3


async def test_a_claim_that_ends_with_a_cancellation_is_tried_again(url: str, stream: str) -> None:
    class Positions(MemoryPositions):
        refusals = 2

        async def claim(self, partition: int) -> Position:
            if self.refusals:
                self.refusals -= 1
                raise asyncio.CancelledError
            return await super().claim(partition)

    broker, seen = StreamBroker(url), list[int]()

    @broker.subscriber(stream, group="g", positions=Positions())
    async def handle(body: int) -> None:
        seen.append(body)

    async with serving(broker):
        await broker.publish_batch(1, 2, stream=stream, key="k")
        await until(has(seen, 2), "both records")


async def test_what_cannot_be_published_is_an_error_of_the_handler(url: str, stream: str) -> None:
    broker = StreamBroker(url)
    calls: list[int] = []

    @broker.publisher("there-is-no-such-stream")
    @broker.subscriber(stream, offset=Offset.first())
    async def handle(body: int) -> int | None:
        calls.append(body)
        return body if len(calls) < 3 else None

    async with serving(broker):
        await broker.publish_batch(1, 2, stream=stream, key="k")
        await until(has(calls, 4), "both records and 2 failures")
    assert calls == [1, 1, 1, 2]


async def test_a_handler_that_cannot_reach_another_broker_is_in_trouble_while_its_own_is_there(
    url: str, stream: str
) -> None:
    broker, pings = StreamBroker(url), list[bool]()

    @broker.subscriber(stream, offset=Offset.first())
    async def handle(body: int) -> None:
        pings.append(await broker.ping())
        if len(pings) < 4:
            raise StreamUnavailable("the other one")

    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await broker.publish(1, stream)
        await until(has(pings, 4), "4 tries")
        await until(broker.ping, "all to be well")
    assert pings == [True, False, False, False]


@pytest.mark.parametrize("batch", [False, True])
async def test_stop_ends_the_application_and_keeps_the_error(url: str, stream: str, batch: bool) -> None:
    broker = StreamBroker(url)
    subscriber = broker.subscriber(stream, offset=Offset.first(), batch=batch, on_error="stop")

    @subscriber
    async def handle(body: Any) -> None:
        raise Ruin("the end")

    task = asyncio.create_task(FastStream(broker, logger=None).run())
    await until(broker.ping, "the subscriber to read")
    await broker.publish(1, stream)
    await asyncio.wait_for(task, 30)
    assert isinstance(subscriber.failure, Ruin)
    assert not subscriber.is_healthy


@pytest.mark.parametrize("error", [Ruin("the end"), StopApplication()], ids=["error", "stop"])
async def test_what_the_handler_raised_decides_also_where_its_position_cannot_be_stored(
    url: str, stream: str, error: BaseException
) -> None:
    class Positions(MemoryPositions):
        async def store(self, partition: int, next_offset: int) -> None:
            raise OSError(f"the database is away; {partition} stays before {next_offset}")

    broker, calls = StreamBroker(url), list[int]()
    subscriber = broker.subscriber(stream, group="g", positions=Positions(), on_error="stop")

    @subscriber
    async def handle(body: int) -> None:
        calls.append(body)
        raise error

    task = asyncio.create_task(FastStream(broker, logger=None).run())
    await until(broker.ping, "the subscriber to read")
    await broker.publish(1, stream)
    await asyncio.wait_for(task, 30)
    assert calls == [1]
    assert subscriber.failure is (error if isinstance(error, Ruin) else None)


async def test_a_position_that_cannot_be_stored_is_trouble_until_it_is(url: str, stream: str) -> None:
    class Positions(MemoryPositions):
        failures = 3

        async def store(self, partition: int, next_offset: int) -> None:
            if self.failures:
                self.failures -= 1
                raise OSError("the database is away")
            await super().store(partition, next_offset)

    broker, pings, positions = StreamBroker(url), list[bool](), Positions()

    @broker.subscriber(stream, batch=True, group="g", positions=positions)
    async def handle(bodies: list[int]) -> None:
        pings.append(await broker.ping())

    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await broker.publish(1, stream)
        await until(has(pings, 4), "4 tries")
        await until(broker.ping, "all to be well")
    assert pings == [True, False, False, False]
    assert sum(positions.offsets.values()) == 1


async def test_a_callable_decides_by_the_error(url: str, stream: str) -> None:
    def decide(error: Exception) -> Literal["retry", "stop"]:
        return "stop" if isinstance(error, Ruin) else "retry"

    broker, calls = StreamBroker(url), list[int]()
    subscriber = broker.subscriber(stream, offset=Offset.first(), on_error=decide)

    @subscriber
    async def handle(body: int) -> None:
        calls.append(body)
        raise ValueError("again") if len(calls) < 3 else Ruin("the end")

    async with serving(broker):
        await broker.publish(1, stream)
        await until(failed(subscriber), "the subscriber to stop")
    assert calls == [1, 1, 1]
    assert isinstance(subscriber.failure, Ruin)


async def test_a_handler_may_stop_its_subscriber_or_the_application(url: str, stream: str) -> None:
    broker = StreamBroker(url)
    seen: list[int] = []
    others: list[int] = []
    ended = broker.subscriber(stream, offset=Offset.first())

    @ended
    async def first(body: int) -> None:
        seen.append(body)
        if body == 2:
            raise StopConsume

    @broker.subscriber(stream, offset=Offset.first())
    async def second(body: int) -> None:
        others.append(body)
        if body == 4:
            raise StopApplication

    task = asyncio.create_task(FastStream(broker, logger=None).run())
    await until(broker.ping, "both to read")
    await broker.publish_batch(*range(4), stream=stream, key="k")
    await until(has(others, 4), "the other to go on")
    await until(has(seen, 3), "the first to stop")
    assert await broker.ping()
    await broker.publish_batch(4, 5, stream=stream, key="k")
    await asyncio.wait_for(task, 30)
    assert (seen, others) == ([0, 1, 2], [0, 1, 2, 3, 4])


async def test_a_record_no_handler_takes_is_an_error_and_stays(url: str, stream: str) -> None:
    broker, seen = StreamBroker(url), list[int]()
    subscriber = broker.subscriber(stream, offset=Offset.first())

    @subscriber(filter=lambda message: message.body != b"1")
    async def handle(body: int, message: given.StreamRecord) -> None:
        seen.append(body)

    async def told() -> bool:
        return any("no handler takes" in trouble for trouble in subscriber.troubles())

    async with serving(broker):
        await broker.publish_batch(0, 1, 2, stream=stream, key="k")
        await until(told, "the trouble to be told")
        assert not await broker.ping()
    assert seen == [0]


async def test_stopping_waits_for_the_record_in_hand_and_begins_no_other(url: str, stream: str) -> None:
    broker = StreamBroker(url)
    calls: list[str] = []
    goes_on = asyncio.Event()

    @broker.subscriber(stream, offset=Offset.first())
    async def handle(body: int) -> None:
        calls.append(f"begin {body}")
        await goes_on.wait()
        calls.append(f"end {body}")

    app = FastStream(broker, logger=None)
    await app.start()
    await broker.publish_batch(*range(10), stream=stream, key="k")
    await until(has(calls, 1), "the first record")
    stopping = asyncio.create_task(app.stop())
    subscriber = broker.subscribers[0]

    async def told() -> bool:
        return not subscriber.running

    await until(told, "the subscriber to be told")
    goes_on.set()
    await stopping
    assert calls == ["begin 0", "end 0"]
