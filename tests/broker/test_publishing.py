"""Publishers and routers, in memory and on a real stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faststream import BaseMiddleware
from faststream.exceptions import SetupError
from pydantic import BaseModel
from rstream import amqp_decoder

from pipelines.engine.broker import (
    EventFilter,
    PartitionMismatch,
    PublishRefused,
    StreamBroker,
    StreamResponse,
    StreamRoute,
    StreamRoutePublisher,
    StreamRouter,
    TestStreamBroker,
    body_of,
)
from pipelines.engine.broker import annotations as given
from pipelines.engine.transport import end_offset, read_stream
from schemas.streams import partition_of
from tests.broker.conftest import World, has, new_stream, serving
from tests.support.proxy import proxied
from tests.support.waiting import until
from tests.transport.conftest import is_chunk


class Body(BaseModel):
    n: int


async def test_what_a_handler_returns_is_published(world: World) -> None:
    broker = StreamBroker(world.url)
    source, target, seen = await world.stream(), await world.stream(), list[Any]()

    @broker.publisher(target, key=lambda body: body["to"])
    @broker.subscriber(source)
    async def handle(body: int) -> Any:
        if body == 0:
            return None
        if body == 1:
            return []
        if body == 2:
            return [{"n": n, "to": "x"} for n in range(100)]
        return StreamResponse({"n": body, "to": "nobody"}, key="x", message_id="given", filter_value="t")

    @broker.subscriber(target)
    async def result(body: dict[str, Any], message: given.StreamRecord) -> None:
        seen.append((body["n"], message.partition, message.raw_message.data))

    async with world(broker):
        await broker.publish_batch(0, 1, 2, 300, stream=source, key="k")
        await until(has(seen, 101), "101 results")
    assert [row[0] for row in seen] == [*range(100), 300]
    assert len({row[1] for row in seen}) == 1
    assert b"given" in seen[-1][2]


async def test_a_plain_stream_is_published_to_as_it_is_read(world: World) -> None:
    broker, source, target = StreamBroker(world.url), await world.plain_stream(), await world.plain_stream()
    seen: list[tuple[int, int, int]] = []

    @broker.publisher(target, key=str)
    @broker.subscriber(source)
    async def double(body: int) -> int:
        return body * 2

    @broker.subscriber(target)
    async def result(body: int, message: given.StreamRecord) -> None:
        seen.append((body, message.partition, message.offset))

    async with world(broker):
        await broker.publish(1, source)
        await broker.publish_batch(2, 3, stream=source, key=str)
        await until(has(seen, 3), "3 results")
    assert seen == [(2, 0, 0), (4, 0, 1), (6, 0, 2)]


async def test_what_is_compressed_comes_as_it_was_and_without_filter_values(world: World) -> None:
    broker, stream = StreamBroker(world.url), await world.stream()
    publisher = broker.publisher(stream, key="k", compression="gzip")
    everything, unfiltered, filtered = list[int](), list[int](), list[int]()

    def odd(record: bytes) -> bool:
        return int(body_of(record)) % 2 == 1

    @broker.subscriber(stream)
    async def take(body: int) -> None:
        everything.append(body)

    @broker.subscriber(stream, only=EventFilter(("odd",), odd, match_unfiltered=True))
    async def take_unfiltered(body: int) -> None:
        unfiltered.append(body)

    @broker.subscriber(stream, only=EventFilter(("odd",), odd))
    async def take_filtered(body: int) -> None:
        filtered.append(body)

    async with world(broker):
        await publisher.publish(*range(50))
        await broker.publish_batch(50, 51, stream=stream, key="k", compression="gzip")
        await broker.publish(53, stream, key="k", compression="none")
        await broker.publish_batch(54, 55, stream=stream, key="k", filter_value=lambda n: "odd" if n % 2 else "even")
        await until(has(everything, 55), "all numbers")
        await until(has(unfiltered, 28), "the odd ones, also of those without a filter value")
        await until(has(filtered, 1), "the odd one with its filter value")
    assert everything == [*range(52), 53, 54, 55]
    assert unfiltered == [n for n in everything if n % 2]
    assert filtered == [55]


async def test_a_filter_value_is_of_the_message_or_the_call_or_the_publisher(world: World) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[str]()
    by_body = broker.publisher(stream, key="k", filter_value=lambda body: body[0])

    @broker.subscriber(stream, only=EventFilter(("a", "c"), keep=lambda _: True))
    async def take(body: str) -> None:
        seen.append(body)

    @broker.publisher(stream, key="k", filter_value="c")
    @broker.subscriber(source := await world.stream())
    async def hand_on(body: str) -> str:
        return body

    async with world(broker):
        for body in ("a1", "b2"):  # a chunk each: the broker leaves out whole chunks
            await by_body.publish(body)
        await by_body.publish("b3", filter_value="a")
        await by_body.publish(StreamResponse("a4", filter_value="b"))
        await broker.publish("b5", stream, key="k", filter_value="c")
        await broker.publish("a6", stream, key="k")
        await broker.publish("b7", source)
        await until(has(seen, 4), "those with a filter value that is asked for")
    assert seen == ["a1", "b3", "b5", "b7"]


async def test_what_is_compressed_cannot_have_a_filter_value(url: str, stream: str) -> None:
    broker = StreamBroker(url)
    with pytest.raises(SetupError, match="leave out"):
        broker.publisher(stream, compression="gzip", filter_value="t")
    async with broker:
        with pytest.raises(PublishRefused, match="leave out"):
            await broker.publish(StreamResponse(1, filter_value="t"), stream, compression="gzip")
        with pytest.raises(PublishRefused, match="leave out"):
            await broker.publish(1, stream, filter_value="t", compression="gzip")


async def test_what_is_no_text_or_no_compression_is_refused_and_nothing_of_the_call_is_sent(url: str) -> None:
    broker, stream = StreamBroker(url), await new_stream(url, 1)
    async with broker:
        with pytest.raises(PublishRefused, match="1 is no text"):
            await broker.publish_batch({"k": "a"}, {"k": 1}, stream=stream, key=lambda body: body["k"])
        with pytest.raises(PublishRefused, match="2 is no text"):
            await broker.publish(2, stream, filter_value=lambda body: body)
        with pytest.raises(PublishRefused, match="'zstd' is none of none, gzip"):
            await broker.publish(3, stream, compression="zstd")  # type: ignore[arg-type]
    assert await end_offset(url, f"{stream}-0") == 0


async def test_an_empty_key_is_a_key(world: World) -> None:
    broker, stream, homes = StreamBroker(world.url), await world.stream(), list[int]()

    @broker.subscriber(stream, partitions=2)
    async def take(_: int, message: given.StreamRecord) -> None:
        homes.append(message.partition)

    async with world(broker):
        await broker.publish_batch(*range(30), stream=stream, key="")
        await broker.publish_batch(*range(30), stream=stream, key=lambda _: "")
        await until(has(homes, 60), "all messages")
    assert homes == [partition_of("", 2)] * 60


async def test_none_is_no_message(world: World) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()
    publisher = broker.publisher(stream, key="k")

    @broker.publisher(stream, key="k")
    @broker.subscriber(source := await world.stream())
    async def hand_on(body: int) -> list[int | None]:
        return [None, body, None]

    @broker.subscriber(stream)
    async def take(body: int) -> None:
        seen.append(body)

    async with world(broker):
        await broker.publish(None, stream)
        await broker.publish_batch(None, 1, None, 2, stream=stream, key="k")
        await publisher.publish(3, None)
        await broker.publish(4, source)
        await until(has(seen, 4), "the four")
    assert seen == [1, 2, 3, 4]


async def test_the_content_type_is_what_the_body_is(url: str) -> None:
    """As another client's decoder reads it."""
    broker, stream = StreamBroker(url), await new_stream(url, 1)
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
    bodies = [b"\x00\x01", "text", {"n": 1}, Body(n=1), event]
    async with broker:
        await broker.publish_batch(*bodies, stream=stream)
        await broker.publish_batch(*bodies, stream=stream, compression="gzip")
    records = [r async for chunk in read_stream(url, f"{stream}-0", 0, 10) for r in chunk.records]
    decoded = [amqp_decoder(record) for record in records]
    kinds = [None, b"text/plain", b"application/json", b"application/json", b"application/cloudevents+json"]
    assert [message.properties.content_type for message in decoded] == kinds * 2
    assert [body_of(record) for record in records[:2]] == [b"\x00\x01", b"text"]
    assert all(len(message.properties.message_id) == 32 for message in decoded)


async def test_a_super_stream_is_made_once_and_never_grows(url: str) -> None:
    broker, name = StreamBroker(url), "made-by-the-broker"
    assert await broker.create_super_stream(name, 2) is True
    assert await broker.create_super_stream(name, 2) is False
    with pytest.raises(PartitionMismatch, match="has 2 partitions, not 3"):
        await broker.create_super_stream(name, 3)
    async with TestStreamBroker(StreamBroker("rabbitmq-stream://nobody-there")) as memory:
        assert await memory.create_super_stream(name, 2) is True
        assert await memory.create_super_stream(name, 2) is False


async def test_what_a_handler_returns_is_compressed_too(url: str, stream: str) -> None:
    broker, target = StreamBroker(url), await new_stream(url, 1)

    @broker.publisher(target, compression="gzip")
    @broker.subscriber(stream)
    async def enlarge(body: int) -> list[str]:
        return [f"{body}" * 100_000] * 10

    async with serving(broker), proxied(url) as (tapped, proxy):
        sizes: list[int] = []

        def weigh(frame: bytes) -> bytes:
            if is_chunk(frame):
                sizes.append(len(frame))
            return frame

        proxy.frames = weigh
        await until(broker.ping, "the subscriber to read")
        await broker.publish(7, stream)

        async def there() -> bool:
            return await end_offset(url, f"{target}-0") == 10

        await until(there, "10 results")
        read = [body_of(r) async for chunk in read_stream(tapped, f"{target}-0", 0, 10) for r in chunk.records]
    assert read == [b"7" * 100_000] * 10
    assert sum(sizes) < 100_000


async def test_a_list_is_published_as_one_batch(world: World) -> None:
    seen: list[int] = []

    class Spy(BaseMiddleware):
        async def publish_scope(self, call_next: Callable[[Any], Awaitable[Any]], cmd: Any) -> Any:
            seen.append(len(cmd.batch_bodies))
            return await call_next(cmd)

    broker = StreamBroker(world.url, middlewares=[Spy])
    source, target, results = await world.stream(), await world.stream(), list[Any]()
    publisher = broker.publisher(target)

    @publisher
    @broker.subscriber(source, batch=True)
    async def handle(batch: list[int]) -> list[int]:
        return [number * 2 for number in batch]

    @broker.subscriber(target)
    async def result(body: int) -> None:
        results.append(body)

    async with world(broker):
        await broker.publish_batch(1, 2, 3, stream=source, key="k")
        await until(has(results, 3), "3 results")
        await publisher.publish(7, 8)
        await until(has(results, 5), "5 results")
    assert sorted(results) == [2, 4, 6, 7, 8]
    assert seen[0] == 3
    assert sum(seen[1:-1]) == 3
    assert seen[-1] == 2


async def test_routers_bring_prefixes_handlers_middlewares_and_publishers(world: World) -> None:
    seen: list[Any] = []

    class Spy(BaseMiddleware):
        async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
            seen.append("through the router")
            return await call_next(msg)

    async def double(body: int) -> int:
        return body * 2

    source, target = await world.stream(), await world.stream()
    prefix = source[:3]
    route = StreamRoute(double, source[3:], publishers=[StreamRoutePublisher(target[3:])])
    router = StreamRouter(prefix, handlers=[route], middlewares=[Spy])
    broker = StreamBroker(world.url)
    broker.include_router(router)

    @broker.subscriber(target)
    async def result(body: int) -> None:
        seen.append(body)

    async with world(broker):
        await broker.publish(21, source)
        await until(has(seen, 2), "the result")
    assert seen == ["through the router", 42]


async def test_handlers_and_publishers_can_be_asked_what_they_saw(world: World) -> None:
    broker, source, target = StreamBroker(world.url), await world.stream(), await world.stream()
    publisher = broker.publisher(target)

    @publisher
    @broker.subscriber(source)
    async def handle(body: int) -> int:
        return body + 1

    async with world(broker):
        await broker.publish(1, source)

        async def published() -> bool:
            return bool(publisher.mock.called)

        await until(published, "the publisher")
        handle.mock.assert_called_once_with(1)
        publisher.mock.assert_called_once_with(2)
