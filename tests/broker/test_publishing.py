"""Publishers and routers, in memory and on a real stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from faststream import BaseMiddleware

from pipelines.engine.broker import (
    EventFilter,
    StreamBroker,
    StreamResponse,
    StreamRoute,
    StreamRoutePublisher,
    StreamRouter,
    body_of,
)
from pipelines.engine.broker import annotations as given
from pipelines.engine.transport import end_offset, read_stream
from tests.broker.conftest import World, has, new_stream, serving
from tests.support.proxy import proxied
from tests.support.waiting import until
from tests.transport.conftest import is_chunk


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

    def numbers(*of: int) -> list[StreamResponse]:
        return [StreamResponse(n, filter_value="odd" if n % 2 else "even") for n in of]

    async with world(broker):
        await publisher.publish(*numbers(*range(50)))
        await broker.publish_batch(*numbers(50, 51), stream=stream, key="k", compression="gzip")
        await broker.publish(53, stream, key="k", compression="none")
        await broker.publish_batch(*numbers(54, 55), stream=stream, key="k")
        await until(has(everything, 55), "all numbers")
        await until(has(unfiltered, 28), "the odd ones, also of those without a filter value")
        await until(has(filtered, 1), "the odd one with its filter value")
    assert everything == [*range(52), 53, 54, 55]
    assert unfiltered == [n for n in everything if n % 2]
    assert filtered == [55]


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
