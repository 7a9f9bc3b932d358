"""Connections are lost, streams are cut, handlers hang: reading goes on where it stopped, and `ping` knows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faststream import FastStream

from pipelines.engine.broker import MemoryPositions, Offset, Position, StreamBroker, StreamSubscriber
from pipelines.engine.broker import annotations as given
from pipelines.engine.broker import subscriber as subscriber_module
from pipelines.engine.transport import streams_of
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import StreamUnavailable
from tests.broker.conftest import has, new_stream, serving
from tests.support.proxy import proxied
from tests.support.waiting import until
from tests.transport.conftest import is_chunk


@pytest.mark.parametrize("offset", [Offset.next(), Offset.first(), Offset.last()], ids=["next", "first", "last"])
async def test_a_cut_reader_goes_on_where_it_was(url: str, stream: str, offset: Offset) -> None:
    """rstream resumes at what it was asked for first: NEXT replays from 0, and misses what came in between."""
    direct, seen = StreamBroker(url), list[Any]()
    async with proxied(url) as (through, proxy):
        broker = StreamBroker(through)

        @broker.subscriber(stream, offset=offset)
        async def handle(body: int, message: given.StreamRecord) -> None:
            seen.append((message.offset, body))

        async with serving(broker), direct:
            await until(broker.ping, "the subscriber to read")
            for number in range(60):
                await direct.publish(number, stream, key="k")
                if number % 20 == 10:
                    proxy.cut()
            await until(has(seen, 60), "60 records")
            await until(broker.ping, "all to be well")
    assert seen == [(number, number) for number in range(60)]


@pytest.mark.parametrize("group", [None, "g"])
async def test_a_stream_that_is_not_there_is_named_and_waited_for(url: str, group: str | None) -> None:
    """A group needs a super stream, so a plain one of that name does not do; here there is neither."""
    broker, seen, stream = StreamBroker(url), list[int](), f"later-{group}"
    positions, offset = (MemoryPositions(), None) if group else (None, Offset.first())
    subscriber = broker.subscriber(stream, group=group, positions=positions, offset=offset)

    @subscriber
    async def handle(body: int) -> None:
        seen.append(body)

    async def told() -> bool:
        kind = "super stream" if group else "stream"
        return subscriber.troubles() == [f"{stream}: {kind} '{stream}' does not exist; create it first"]

    async with serving(broker):
        await until(told, "the trouble to be told")
        await broker.create_super_stream(stream, 1)
        await broker.publish(1, stream)
        await until(has(seen, 1), "the record")


async def test_a_reader_cut_before_its_first_record_misses_none(url: str, stream: str) -> None:
    direct, seen = StreamBroker(url), list[int]()
    async with proxied(url) as (through, proxy), direct:
        await direct.publish(-1, stream, key="k")
        broker = StreamBroker(through)

        @broker.subscriber(stream)
        async def handle(body: int) -> None:
            seen.append(body)

        async with serving(broker):
            await until(broker.ping, "the subscriber to read")
            proxy.refusing = True
            proxy.cut()
            await until(_unwell(broker), "the loss to be told")
            await direct.publish_batch(*range(5), stream=stream, key="k")
            proxy.refusing = False
            await until(has(seen, 5), "5 records")
    assert seen == list(range(5))


async def test_a_broker_that_is_away_is_waited_for(url: str) -> None:
    async with proxied(url) as (through, proxy):
        proxy.refusing = True
        stream, broker, seen = await new_stream(url), StreamBroker(through), list[int]()

        @broker.subscriber(stream)
        async def handle(body: int) -> None:
            seen.append(body)

        async with serving(broker):
            await until(_told(broker, "virtual host"), "the trouble to be told")
            assert not await broker.ping()
            proxy.refusing = False
            await until(broker.ping, "the subscriber to read")
            await broker.publish(1, stream)
            await until(has(seen, 1), "a record")


async def test_whatever_keeps_a_subscriber_from_finding_its_partitions_is_told_and_tried_again(
    url: str, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, failures = streams_of, [ValueError("no number"), OSError("no such file")]

    async def failing(*args: Any, **options: Any) -> list[str]:
        if failures:
            raise failures.pop()
        return await find(*args, **options)

    monkeypatch.setattr(subscriber_module, "streams_of", failing)
    broker = StreamBroker(url)

    @broker.subscriber(stream)
    async def handle(body: int) -> None: ...

    async with serving(broker):
        await until(_told(broker, "no such file"), "the trouble to be told")
        await until(broker.ping, "the subscriber to read", seconds=20)


async def test_a_stream_that_is_missing_is_waited_for(url: str) -> None:
    broker = StreamBroker(url)

    @broker.subscriber("missing")
    async def handle(body: int) -> None: ...

    async with serving(broker):
        await until(_told(broker, "does not exist"), "the trouble to be told")
        assert not await broker.ping()


async def test_a_position_beyond_the_end_stops_the_partition(url: str, stream: str) -> None:
    """It is another stream."""
    broker, positions = StreamBroker(url), MemoryPositions({0: 100, 1: 0})
    subscriber = broker.subscriber(stream, group="g", positions=positions)

    @subscriber
    async def handle(body: int) -> None: ...

    async def stopped() -> bool:
        return any(partition.stopped for partition in subscriber.partitions.values())

    async with serving(broker):
        await until(stopped, "the partition to stop")
        assert not await broker.ping()
        assert "StreamReplaced" in subscriber.troubles()[0]


async def test_a_claim_is_trouble_until_it_succeeds_and_no_longer(url: str, stream: str) -> None:
    """No record comes, so nothing but the claim itself can say that all is well again."""
    refused, goes_on = asyncio.Event(), asyncio.Event()

    class Positions(MemoryPositions):
        async def claim(self, partition: int) -> Position:
            if not refused.is_set():
                refused.set()
                raise OSError("the database is away")
            await goes_on.wait()
            return await super().claim(partition)

    broker = StreamBroker(url)
    subscriber = broker.subscriber(stream, group="g", positions=Positions(), partitions=2)

    @subscriber
    async def handle(body: int) -> None: ...

    async def claiming() -> bool:
        return len(subscriber.partitions) == 2 and not any(p.joined for p in subscriber.partitions.values())

    async with serving(broker):
        await until(_told(broker, "the database is away"), "the trouble to be told")
        await until(claiming, "both partitions to claim")
        assert not await broker.ping()
        goes_on.set()
        await until(broker.ping, "all to be well", seconds=20)


@pytest.mark.parametrize("grown", [10, 200])
async def test_a_stream_made_anew_is_not_taken_for_the_one_that_was_read(url: str, grown: int) -> None:
    """Without a group, too: reading on at the same offset would leave out what the new one holds before it."""
    stream, broker, seen = await new_stream(url, 1), StreamBroker(url), list[int]()
    subscriber = broker.subscriber(stream, offset=Offset.first())

    @subscriber
    async def handle(body: int) -> None:
        seen.append(body)

    async with serving(broker):
        await broker.publish_batch(*range(100), stream=stream)
        await until(has(seen, 100), "100 records")
        connection = await Connection.open(Address.parse(url), "test")
        await connection.request(lambda client: client.delete_super_stream(stream))
        await connection.close()
        await StreamBroker(url).create_super_stream(stream, 1)
        async with StreamBroker(url) as direct:
            await direct.publish_batch(*range(1000, 1000 + grown), stream=stream)
        await until(_told(broker, "StreamReplaced"), "the partition to stop", seconds=20)
        assert not await broker.ping()
    assert seen == list(range(100))


async def test_who_only_stands_by_after_an_error_is_well(url: str) -> None:
    """Another member has the partition, and does what failed here."""
    stream, positions, seen = await new_stream(url, 1), MemoryPositions(), list[str]()

    def make(name: str) -> StreamBroker:
        broker = StreamBroker(url)

        @broker.subscriber(stream, group="g", positions=positions)
        async def handle(body: int) -> None:
            seen.append(name)
            if name == "first":
                raise OSError("only here")

        return broker

    first, second = make("first"), make("second")
    async with serving(first):
        await until(first.ping, "the first to read")
        async with serving(second):
            await until(second.ping, "the second to stand by")
            await second.publish(1, stream)
            await until(has(seen, 2), "the second to take over")
            await until(first.ping, "the first to stand by", seconds=20)
    assert seen == ["first", "second"]


async def test_publishing_through_a_dead_line_ends_in_time(url: str, stream: str) -> None:
    async with proxied(url) as (through, proxy):
        proxy.freeze()
        broker = StreamBroker(through)
        with pytest.raises(StreamUnavailable, match=r"no connection within 0\.5 s"):
            await broker.publish(1, stream, timeout=0.5)
        proxy.thaw()
        await broker.publish(1, stream)
        await broker.stop()


async def test_a_handler_that_hangs_is_seen(url: str, stream: str) -> None:
    broker, goes_on = StreamBroker(url), asyncio.Event()

    @broker.subscriber(stream, stall_after=0.2)
    async def handle(body: int) -> None:
        await goes_on.wait()

    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await broker.publish(1, stream)
        await until(_told(broker, "in hand"), "the stall to be told")
        assert not await broker.ping()
        goes_on.set()
        await until(broker.ping, "all to be well")


async def test_a_broker_that_sends_nothing_of_what_it_has_is_asked_anew(url: str) -> None:
    """Heartbeats go on, so the connection looks alive."""
    stream, direct, seen = await new_stream(url, 1), StreamBroker(url), list[int]()
    lost: list[bytes] = []
    losing = False

    def lose_one(frame: bytes) -> bytes:
        if not losing or lost or not is_chunk(frame):
            return frame
        lost.append(frame)
        return b""

    async with proxied(url) as (through, proxy), direct:
        proxy.frames = lose_one
        broker = StreamBroker(through)

        @broker.subscriber(stream, stall_after=0.5)
        async def handle(body: int) -> None:
            seen.append(body)

        async with serving(broker):
            await until(broker.ping, "the subscriber to read")
            await direct.publish(0, stream)
            await until(has(seen, 1), "the first record")
            losing = True
            await direct.publish(1, stream)
            await until(has(seen, 2), "the record whose chunk was lost")
    assert len(lost) == 1
    assert seen == [0, 1]


async def test_ping_without_subscribers_asks_the_broker(url: str) -> None:
    async with proxied(url) as (through, proxy):
        broker = StreamBroker(through)
        assert not await broker.ping()
        async with serving(broker):
            assert await broker.ping()
            proxy.refusing = True
            assert not await broker.ping(timeout=2)


async def test_stopping_is_safe_before_start_and_twice_and_may_be_followed_by_a_start(url: str, stream: str) -> None:
    broker, seen = StreamBroker(url), list[int]()

    @broker.subscriber(stream)
    async def handle(body: int) -> None:
        seen.append(body)

    await broker.stop()
    for number in range(2):
        app = FastStream(broker, logger=None)
        await app.start()
        await until(broker.ping, "the subscriber to read")
        await broker.publish(number, stream)
        await until(has(seen, number + 1), "a record")
        await app.stop()
        await broker.stop()
        assert not await broker.ping()
    assert seen == [0, 1]


def _unwell(broker: StreamBroker) -> Any:
    async def condition() -> bool:
        return not await broker.ping()

    return condition


def _told(broker: StreamBroker, what: str) -> Any:
    async def condition() -> bool:
        subscribers = [s for s in broker.subscribers if isinstance(s, StreamSubscriber)]
        return any(what in trouble for subscriber in subscribers for trouble in subscriber.troubles())

    return condition
