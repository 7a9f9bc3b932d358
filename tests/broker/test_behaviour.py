"""What FastStream promises of any broker, in memory and on a real stream: one suite for both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from fast_depends import Depends
from faststream import BaseMiddleware, Context, Logger
from faststream.exceptions import AckMessage, FeatureNotSupportedException
from pydantic import BaseModel

from pipelines.engine.broker import (
    Batch,
    EventFilter,
    MemoryPositions,
    Record,
    StreamBatch,
    StreamBroker,
    StreamRecord,
    StreamResponse,
    whole_batch,
    whole_record,
)
from pipelines.engine.broker import annotations as given
from pipelines.engine.transport import Message, body_of
from tests.broker.conftest import World, has
from tests.support.waiting import until


class Reading(BaseModel):
    sensor: str
    value: float


@pytest.mark.parametrize("batch", [False, True])
async def test_a_handler_gets_what_was_published_with_dependencies_and_context(world: World, batch: bool) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()

    @broker.subscriber(stream, batch=batch)
    async def handle(
        body: Any,
        greeting: Annotated[str, Depends(lambda: "hello")],
        own: given.StreamBroker,
        logger: Logger,
        message: Annotated[Any, Context()],
    ) -> None:
        logger.info("%s", greeting)
        seen.extend((item, greeting, own is broker, message.stream) for item in (body if batch else [body]))

    async with world(broker):
        await broker.publish_batch(*({"n": n} for n in range(50)), stream=stream, key="one")
        await until(has(seen, 50), "50 records")
    assert seen == [({"n": n}, "hello", True, stream) for n in range(50)]


async def test_a_record_knows_where_and_when_it_was_written(world: World) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()

    @broker.subscriber(stream)
    async def handle(body: bytes, message: given.StreamRecord) -> None:
        seen.append((body, message.partition, message.offset, message.message_id, message.recorded_at))

    async with world(broker):
        await broker.publish_batch(b"a", b"b", stream=stream, key="same")
        await until(has(seen, 2), "2 records")
    partition = seen[0][1]
    assert [row[:4] for row in seen] == [
        (body, partition, offset, f"{stream}/{partition}:{offset}") for offset, body in enumerate((b"a", b"b"))
    ]
    assert abs(seen[0][4] - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sent", "kind", "got"),
    [
        (b"\x00\xff", bytes, b"\x00\xff"),
        ("words", str, "words"),
        ({"a": [1, None]}, dict[str, Any], {"a": [1, None]}),
        (Reading(sensor="s", value=1.5), Reading, Reading(sensor="s", value=1.5)),
        ([1, 2], list[int], [1, 2]),
    ],
    ids=["bytes", "text", "mapping", "model", "list"],
)
async def test_bodies_arrive_as_they_were_sent(world: World, sent: Any, kind: Any, got: Any) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()

    async def handle(body: Any) -> None:
        seen.append(body)

    handle.__annotations__["body"] = kind
    broker.subscriber(stream)(handle)
    async with world(broker):
        await broker.publish(sent, stream)
        await until(has(seen, 1), "a record")
    assert seen == [got]


async def test_a_batch_is_validated_as_a_list_of_models(world: World) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()

    @broker.subscriber(stream, batch=True)
    async def handle(batch: list[Reading]) -> None:
        seen.extend(batch)

    readings = [Reading(sensor=f"s{n}", value=n) for n in range(20)]
    async with world(broker):
        await broker.publish_batch(*readings, stream=stream, key="all")
        await until(has(seen, 20), "20 readings")
    assert seen == readings


async def test_a_handler_may_take_records_and_batches_whole(world: World) -> None:
    broker, stream = StreamBroker(world.url, apply_types=False), await world.stream()
    records: list[Any] = []
    batches: list[Any] = []

    @broker.subscriber(stream, decoder=whole_record)
    async def single(message: StreamRecord) -> None:
        records.append((message.offset, message.body))

    @broker.subscriber(stream, batch=True, decoder=whole_batch)
    async def many(batch: Batch) -> None:
        batches.extend(
            (offset, body_of(data)) for c in batch.chunks for offset, data in enumerate(c.records, c.first_offset)
        )

    async with world(broker):
        await broker.publish_batch(*(Message("k", b"%d" % n, f"{n}", "") for n in range(9)), stream=stream)
        await until(has(records, 9), "9 records")
        await until(has(batches, 9), "9 records in batches")
    assert records == batches == [(n, b"%d" % n) for n in range(9)]


async def test_a_batch_gives_its_records_with_their_offsets(world: World) -> None:
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()

    @broker.subscriber(stream, batch=True)
    async def handle(batch: list[int], message: given.StreamBatch) -> None:
        seen.extend((record.offset, value) for record, value in zip(message.records, batch, strict=True))

    async with world(broker):
        await broker.publish_batch(10, 11, 12, stream=stream, key="k")
        await until(has(seen, 3), "3 records")
    assert seen == [(0, 10), (1, 11), (2, 12)]


async def test_parsers_and_decoders_may_be_ones_own(world: World) -> None:
    async def shouting(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
        return (await original(message)).upper()

    async def marking(record: Record, original: Callable[[Record], Awaitable[Any]]) -> Any:
        message = await original(record)
        message.headers = {"marked": "yes"}
        return message

    broker, stream, seen = StreamBroker(world.url, decoder=shouting), await world.stream(), list[Any]()

    @broker.subscriber(stream, parser=marking)
    async def handle(body: str, mark: Annotated[str, Context("message.headers.marked")]) -> None:
        seen.append((body, mark))

    @broker.subscriber(stream, decoder=lambda message: len(message.body))
    async def length(body: int) -> None:
        seen.append((body, ""))

    async with world(broker):
        await broker.publish(b'"text"', stream)
        await until(has(seen, 2), "both handlers")
    assert sorted(seen, key=str) == sorted([("TEXT", "yes"), (6, "")], key=str)


@pytest.mark.parametrize("middlewares", [False, True], ids=["plain", "middlewares"])
async def test_the_first_handler_whose_filter_agrees_takes_a_record(world: World, middlewares: bool) -> None:
    """With and without middlewares, which go different ways through the code."""
    broker, stream = StreamBroker(world.url, middlewares=[BaseMiddleware] if middlewares else []), await world.stream()
    words: list[str] = []
    others: list[Any] = []
    subscriber = broker.subscriber(stream)

    async def is_text(message: StreamRecord) -> bool:
        return isinstance(await message.decode(), str)

    @subscriber(filter=is_text)
    async def text(body: str) -> None:
        words.append(body)

    @subscriber
    async def rest(body: Any) -> None:
        others.append(body)

    async with world(broker):
        await broker.publish_batch(b'"a"', 1, b'"b"', stream=stream, key="k")
        await until(has(words, 2), "the words")
        await until(has(others, 1), "the rest")
    assert (words, others) == (["a", "b"], [1])


@pytest.mark.parametrize("batch", [False, True])
async def test_middlewares_see_every_message(world: World, batch: bool) -> None:
    seen: list[Any] = []
    handled: list[Any] = []

    class Spy(BaseMiddleware):
        async def on_receive(self) -> None:
            seen.append(type(self.msg))

        async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
            seen.append(type(msg))
            return await call_next(msg)

    broker, stream = StreamBroker(world.url, middlewares=[Spy]), await world.stream()

    @broker.subscriber(stream, batch=batch)
    async def handle(body: Any) -> None:
        handled.append(body)

    async with world(broker):
        await broker.publish(1, stream)
        await until(has(handled, 1), "a record")
    assert seen == ([Batch, StreamBatch] if batch else [Record, StreamRecord])


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("middlewares", [False, True], ids=["plain", "middlewares"])
async def test_a_handler_may_be_done_early(world: World, batch: bool, middlewares: bool) -> None:
    broker, stream = StreamBroker(world.url, middlewares=[BaseMiddleware] if middlewares else []), await world.stream()
    seen: list[Any] = []

    @broker.subscriber(stream, batch=batch)
    async def handle(body: Any) -> None:
        seen.extend(body if batch else [body])
        raise AckMessage

    async with world(broker):
        for number in range(3):
            await broker.publish(number, stream, key="k")
        await until(has(seen, 3), "the records")
    assert seen == [0, 1, 2]


async def test_a_log_takes_no_nack(world: World) -> None:
    broker, stream, told = StreamBroker(world.url), await world.stream(), list[Any]()

    @broker.subscriber(stream)
    async def handle(body: Any, message: given.StreamRecord) -> None:
        for refuse in (message.nack, message.reject):
            try:
                await refuse()
            except FeatureNotSupportedException as error:
                told.append(str(error))

    async with world(broker):
        await broker.publish(1, stream)
        await until(has(told, 2), "both refusals")
    assert "raise" in told[0]
    assert "raise" in told[1]


@pytest.mark.parametrize("batch", [False, True])
async def test_only_what_was_asked_for_comes(world: World, batch: bool) -> None:
    """The broker sends whole chunks, with what is not wanted in them."""
    broker, stream, seen = StreamBroker(world.url), await world.stream(), list[Any]()
    odd = EventFilter(("odd",), keep=lambda record: int(body_of(record)) % 2 == 1)

    @broker.subscriber(stream, batch=batch, only=odd)
    async def handle(body: Any) -> None:
        seen.extend(body if batch else [body])

    async with world(broker):
        numbers = (StreamResponse(n, key="k", filter_value="odd" if n % 2 else "even") for n in range(50))
        await broker.publish_batch(*numbers, stream=stream)
        await until(has(seen, 25), "25 odd numbers")
    assert seen == list(range(1, 50, 2))


async def test_a_group_goes_on_from_its_positions(world: World) -> None:
    stream, positions, seen = await world.stream(), MemoryPositions(), list[Any]()
    for start in (0, 5):
        broker = StreamBroker(world.url)

        @broker.subscriber(stream, group="g", positions=positions)
        async def handle(body: int, message: given.StreamRecord) -> None:
            seen.append((message.offset, body))

        async with world(broker):
            await broker.publish_batch(*range(start, start + 5), stream=stream, key="k")
            await until(has(seen, start + 5), "all so far")
            partition = next(iter(positions.offsets))

            async def stored(partition: int = partition, end: int = start + 5) -> bool:
                return positions.offsets.get(partition) == end

            await until(stored, "the position to be stored")
    assert seen == [(n, n) for n in range(10)]
