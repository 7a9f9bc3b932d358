"""Try handlers without a RabbitMQ: what is published is handed to the subscribers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from pipelines.engine.broker._compat import TestBroker, change_producer
from pipelines.engine.broker.broker import StreamBroker
from pipelines.engine.broker.positions import StoringPositions
from pipelines.engine.broker.producer import StreamProducer
from pipelines.engine.broker.publisher import StreamPublisher
from pipelines.engine.broker.response import StreamPublishCommand
from pipelines.engine.broker.subscriber import StreamSubscriber
from pipelines.engine.transport import Batch, Chunk, Compression, EventFilter, Message, encode
from schemas.streams import partition_of

_JOIN_SECONDS = 30.0


class TestStreamBroker(TestBroker[StreamBroker, StreamBroker], broker=StreamBroker):
    """FastStream's test broker for streams: `async with TestStreamBroker(broker) as broker: ...`

    In memory a publish returns when the handlers are done, and raises what they raise: nothing is retried. A stream
    has the partitions its subscriber asks for, else one. With `with_real=True` the broker is started, and the block
    begins when every subscriber reads.
    """

    __test__ = False

    def create_publisher_fake_subscriber(
        self, broker: StreamBroker, publisher: StreamPublisher
    ) -> tuple[StreamSubscriber, bool]:
        """Return the subscriber that gets what `publisher` sends, and whether it is the user's own."""
        for subscriber in _subscribers(self.brokers):
            if subscriber.stream == publisher.stream:
                return subscriber, True
        # The prefixes of routers are part of the publisher's stream already.
        return broker.subscriber(publisher.stream, persistent=False), False

    @contextmanager
    def _patch_producer(self, broker: StreamBroker) -> Iterator[None]:
        with change_producer(broker.config.broker_config, _MemoryProducer(broker, self.brokers)):
            yield

    async def _fake_connect(self, broker: StreamBroker, *_: Any, **__: Any) -> None:
        """Nothing to connect to."""

    @asynccontextmanager
    async def _do_start(self, broker: StreamBroker) -> AsyncIterator[StreamBroker]:
        async with super()._do_start(broker) as started:
            if self.with_real and not self.connect_only:
                await _joined(broker)
            yield started


class _MemoryProducer(StreamProducer):
    """Hands messages to the subscribers of their stream, as batches that look like a broker's."""

    def __init__(self, broker: StreamBroker, brokers: Sequence[StreamBroker]) -> None:
        super().__init__("", lambda: broker.config.fd_config._serializer)
        self._brokers = brokers
        self._ends: dict[tuple[int, int], int] = {}
        self._streams: set[str] = set()

    async def create_super_stream(self, stream: str, partitions: int) -> bool:  # noqa: ARG002
        """False the second time. How many partitions there are, subscribers say."""
        new = stream not in self._streams
        self._streams.add(stream)
        return new

    async def publish_batch(self, cmd: StreamPublishCommand) -> None:
        """Return when all handlers are done. Raises what they raise."""
        messages = cmd.messages(self._serializer())
        groups: set[str] = set()
        for subscriber in _subscribers(self._brokers):
            if subscriber.stream != cmd.destination or subscriber.group in groups:
                continue
            if subscriber.group is not None:
                groups.add(subscriber.group)
            await self._hand_over(subscriber, messages, cmd.compression)

    async def _hand_over(
        self, subscriber: StreamSubscriber, messages: Sequence[Message], compression: Compression | None
    ) -> None:
        homes: dict[int, list[Message]] = {}
        for message in messages:
            home = partition_of(message.subject, subscriber.config.partitions or 1)
            homes.setdefault(home, []).append(message)
        for partition, part in homes.items():
            first = await self._end(subscriber, partition)
            records = [encode(message.body, message.message_id, message.content_type) for message in part]
            chunk = Chunk(partition, first, datetime.now(UTC), records)
            self._ends[id(subscriber), partition] = chunk.end_offset
            positions = subscriber.config.positions
            # What is compressed has no filter values.
            values = {message.filter_value if compression is None else "" for message in part}
            if chunks := _wanted(chunk, values, subscriber.config.only):
                await subscriber.deliver(Batch(partition, first, chunks))
            if isinstance(positions, StoringPositions):
                await positions.store(partition, chunk.end_offset)

    async def _end(self, subscriber: StreamSubscriber, partition: int) -> int:
        """Where the partition goes on, for this subscriber: at first, where its group's positions say."""
        known = self._ends.get((id(subscriber), partition))
        if known is not None:
            return known
        positions = subscriber.config.positions
        return 0 if positions is None else (await positions.claim(partition)).offset


def _wanted(chunk: Chunk, values: set[str], only: EventFilter | None) -> list[Chunk]:
    """As the broker: a chunk is left out whole, where none of its filter values is asked for."""
    if only is None:
        return [chunk]
    asked_for = values.intersection(only.values) or ("" in values and only.match_unfiltered)
    return only.apply(chunk) if asked_for else []


def _subscribers(brokers: Sequence[StreamBroker]) -> list[StreamSubscriber]:
    return [s for broker in brokers for s in broker.subscribers if isinstance(s, StreamSubscriber)]


async def _joined(broker: StreamBroker) -> None:
    async with asyncio.timeout(_JOIN_SECONDS):
        # The transport's consumer has no signal for it.
        while not all(subscriber.is_healthy for subscriber in _subscribers([broker])):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
