"""The FastStream broker on a real stream: handlers, injection, middlewares, documents, and errors that decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
import pytest
from fast_depends import Depends
from faststream import BaseMiddleware, Context, FastStream
from faststream.exceptions import FeatureNotSupportedException
from faststream.specification import AsyncAPI

from pipelines.engine.broker import StreamBatch, StreamBroker, whole_batch
from pipelines.engine.transport import Batch, Message
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import MemoryPositions


@asynccontextmanager
async def serving(broker: StreamBroker) -> AsyncIterator[FastStream]:
    app = FastStream(broker, logger=None)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def messages(count: int) -> list[Message]:
    return [Message(f"order-{n}", orjson.dumps({"n": n}), f"{n}", "t") for n in range(count)]


async def test_a_handler_gets_the_decoded_batch_with_dependencies_and_context(run: Run) -> None:
    broker, positions = StreamBroker(run.settings.stream_url), MemoryPositions()
    seen: list[int] = []
    facts: set[tuple[str, bool]] = set()

    @broker.subscriber("orders", group="g", positions=positions)
    async def handle(
        batch: list[dict[str, int]],
        greeting: Annotated[str, Depends(lambda: "hello")],
        message: Annotated[StreamBatch, Context()],
    ) -> None:
        seen.extend(item["n"] for item in batch)
        facts.add((greeting, len(batch) == len(message.raw_message)))

    async with serving(broker):
        await broker.publish_batch(*messages(500), super_stream="orders")
        await until(_has(seen, 500), "500 events")
    assert sorted(seen) == list(range(500))
    assert facts == {("hello", True)}


async def test_a_handler_may_take_the_batch_whole(run: Run) -> None:
    broker, positions = StreamBroker(run.settings.stream_url, apply_types=False), MemoryPositions()
    seen: list[bytes] = []

    @broker.subscriber("orders", group="g", positions=positions, decoder=whole_batch)
    async def handle(batch: Batch) -> None:
        seen.extend(record for chunk in batch.chunks for record in chunk.records)

    async with serving(broker):
        await broker.publish_batch(*messages(100), super_stream="orders")
        await until(_has(seen, 100), "100 records")


async def test_what_a_handler_raises_is_not_swallowed_and_skips_nothing(run: Run) -> None:
    broker, positions = StreamBroker(run.settings.stream_url), MemoryPositions()
    seen: list[int] = []
    failures = 0

    @broker.subscriber("orders", group="g", positions=positions, decoder=whole_batch)
    async def handle(batch: Batch) -> None:
        nonlocal failures
        if failures < 3:
            failures += 1
            raise ValueError("not today")
        seen.extend(range(len(batch)))
        positions.offsets[batch.partition] = batch.end_offset

    async with serving(broker):
        await broker.publish_batch(*[Message("one", b"{}", f"{n}", "t") for n in range(50)], super_stream="orders")
        await until(_has(seen, 50), "50 events")
        assert await broker.ping()
    assert (len(seen), failures) == (50, 3)


async def test_ping_tells_trouble(run: Run) -> None:
    broker, positions = StreamBroker(run.settings.stream_url), MemoryPositions()

    @broker.subscriber("orders", group="g", positions=positions, decoder=whole_batch)
    async def handle(batch: Batch) -> None:
        raise ValueError("never")

    async def troubled() -> bool:
        return bool(broker.subscribers) and not await broker.ping()

    assert not await broker.ping()
    async with serving(broker):
        await until(_healthy(broker), "the group to be joined")
        await broker.publish_batch(*messages(1), super_stream="orders")
        await until(troubled, "ping to tell of the failing handler")


async def test_a_fatal_error_stops_the_application_and_is_kept(run: Run) -> None:
    class Fatal(Exception):
        pass

    broker, positions = StreamBroker(run.settings.stream_url), MemoryPositions()
    subscriber = broker.subscriber("orders", group="g", positions=positions, decoder=whole_batch, stop_on=(Fatal,))

    @subscriber
    async def handle(batch: Batch) -> None:
        raise Fatal("the end")

    app = FastStream(broker, logger=None)
    task = asyncio.create_task(app.run())
    await until(_healthy(broker), "the group to be joined")
    await broker.publish_batch(*messages(1), super_stream="orders")
    await asyncio.wait_for(task, 30)
    assert isinstance(subscriber.failure, Fatal)


async def test_middlewares_see_every_batch(run: Run) -> None:
    seen: list[str] = []

    class Spy(BaseMiddleware):
        async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
            seen.append(msg.message_id)
            return await call_next(msg)

    broker, positions = StreamBroker(run.settings.stream_url, middlewares=[Spy]), MemoryPositions()
    handled: list[int] = []

    @broker.subscriber("orders", group="g", positions=positions, decoder=whole_batch)
    async def handle(batch: Batch) -> None:
        handled.append(len(batch))

    async with serving(broker):
        await broker.publish_batch(*[Message("one", b"{}", "1", "t")], super_stream="orders")
        await until(_has(handled, 1), "a batch")
    assert len(seen) == len(handled)


def test_the_asyncapi_document_says_what_there_is() -> None:
    broker = StreamBroker("rabbitmq-stream://guest:secret@example:5552/%2f")

    @broker.subscriber("orders", group="views@1", positions=MemoryPositions(), title="views", description="Read views.")
    async def handle(batch: list[dict[str, int]]) -> None: ...

    document = AsyncAPI(broker, title="Warren").to_specification().to_json()
    assert "consumer group `views@1`" in document
    assert "Read views." in document
    assert "rabbitmq-stream" in document
    assert "secret" not in document


async def test_what_a_stream_cannot_do_is_refused_in_words() -> None:
    broker = StreamBroker()
    subscriber = broker.subscriber("orders", group="g", positions=MemoryPositions())
    with pytest.raises(FeatureNotSupportedException, match="nothing to answer"):
        await broker.request({"a": 1})
    with pytest.raises(FeatureNotSupportedException, match="publish_batch"):
        await broker.publish({"a": 1})
    with pytest.raises(FeatureNotSupportedException, match="publish_batch"):
        broker.publisher("orders")
    with pytest.raises(FeatureNotSupportedException, match="read by handlers"):
        await subscriber.get_one()


async def test_stopping_is_safe_before_start_and_twice(run: Run) -> None:
    broker = StreamBroker(run.settings.stream_url)
    await broker.stop()
    broker.subscriber("orders", group="g", positions=MemoryPositions())
    await broker.start()
    await broker.stop()
    await broker.stop()


def _has(items: list[Any], count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(items) >= count

    return enough


def _healthy(broker: StreamBroker) -> Callable[[], Awaitable[bool]]:
    return broker.ping
