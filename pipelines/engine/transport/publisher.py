"""Publish to a super stream and know what the broker has: batches, confirmed, routed as every official client does.

Publishers here are unnamed: the broker's own deduplication keeps one high-water mark per name and throws away what
lies below, stored or not. What is published twice is dropped by the ledger, by event id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from rstream import schema

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.amqp import encode
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.topology import partition_count
from schemas.errors import StreamError, StreamUnavailable, Unconfirmed
from schemas.streams import partition_name, partition_of

WINDOW = 10_000
"""At most so many messages of one partition wait for their confirms."""

_PUBLISHER_ID = 1
_PUBLISH_V2_HEAD = b"\x00\x02\x00\x02" + bytes([_PUBLISHER_ID])
_FRAME_HEAD_BYTES = 13
_FRAME_TARGET = 256 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """An event ready to publish. `filter_value` is its type, in ASCII; `message_id` its id."""

    subject: str
    body: bytes
    message_id: str
    filter_value: str


@dataclass(slots=True)
class _Flight:
    """One call of `publish` on one partition: what is not confirmed yet, by publishing id."""

    waiting: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, publishing_id: int, code: int | None) -> None:
        index = self.waiting.pop(publishing_id)
        if code is not None:
            self.refused[index] = code
        if not self.waiting:
            self.done.set()


class PartitionPublisher:
    """Publishes to one stream over one connection, until that is lost; then a new one is made."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection = connection
        self._stream = stream
        self._next_id = 1
        self._flights: dict[int, _Flight] = {}
        self._room = asyncio.Event()
        self._sending = asyncio.Lock()

    @classmethod
    async def open(cls, address: Address, stream: str) -> PartitionPublisher:
        """Connect to the stream's leader. Raises StreamMissing or StreamUnavailable."""
        connection = await connect_to(address, stream, f"warren publisher {stream}", leader=True)
        self = cls(connection, stream)
        try:
            connection.on(schema.PublishConfirm, self._on_confirm)
            connection.on(schema.PublishError, self._on_error)
            await connection.request(lambda client: client.declare_publisher(stream, None, _PUBLISHER_ID))
        except BaseException:
            await connection.close()
            raise
        return self

    @property
    def is_open(self) -> bool:
        """False once the connection is lost."""
        return self._connection.is_open

    async def publish(self, messages: Sequence[tuple[int, Message]]) -> None:
        """Send the messages in order and wait until the broker has confirmed each; their numbers name them.

        Raises:
            Unconfirmed: with the numbers of those refused, or not confirmed before the connection was lost or the
                call was cancelled by a time limit.
        """
        flight = _Flight()
        entries = [(number, _entry(message)) for number, message in messages]
        sent = 0
        try:
            async with self._sending:
                for frame in _frames(entries):
                    await self._send(flight, frame)
                    sent += len(frame)
            if flight.waiting:
                await self._connection.or_closed(flight.done.wait())
        except StreamUnavailable as error:
            open_numbers = {*flight.waiting.values(), *flight.refused, *(number for number, _ in entries[sent:])}
            raise Unconfirmed(sorted(open_numbers), str(error)) from error
        finally:
            for publishing_id in flight.waiting:
                self._flights.pop(publishing_id, None)
        if flight.refused:
            raise Unconfirmed(sorted(flight.refused), f"the broker refused them: codes {set(flight.refused.values())}")

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        await self._connection.close()

    async def _send(self, flight: _Flight, frame: list[tuple[int, bytes]]) -> None:
        while len(self._flights) >= WINDOW:
            self._room.clear()
            await self._connection.or_closed(self._room.wait())
        parts = [b"", _PUBLISH_V2_HEAD, len(frame).to_bytes(4, "big")]
        flight.done.clear()
        for number, entry in frame:
            publishing_id = self._next_id
            self._next_id += 1
            flight.waiting[publishing_id] = number
            self._flights[publishing_id] = flight
            parts.append(publishing_id.to_bytes(8, "big"))
            parts.append(entry)
        parts[0] = sum(map(len, parts)).to_bytes(4, "big")
        await self._connection.send(b"".join(parts))

    def _on_confirm(self, frame: schema.PublishConfirm) -> None:
        for publishing_id in frame.publishing_ids:
            self._settle(publishing_id, None)

    def _on_error(self, frame: schema.PublishError) -> None:
        for error in frame.errors:
            self._settle(error.publishing_id, error.response_code)

    def _settle(self, publishing_id: int, code: int | None) -> None:
        flight = self._flights.pop(publishing_id, None)
        if flight is not None:
            flight.settle(publishing_id, code)
        if len(self._flights) < WINDOW:
            self._room.set()


class SuperStreamPublisher:
    """Publishes to a super stream, each order to its home partition.

    Connections are made when first needed, and anew after a loss. One order's messages of one call keep their order.
    `partitions`, where given, is how many there must be; see `partition_count`.
    """

    def __init__(self, url: str, super_stream: str, partitions: int | None = None) -> None:
        self._url = url
        self._address = Address.parse(url)
        self._super_stream = super_stream
        self._expected = partitions
        self._partitions = 0
        self._publishers: dict[int, PartitionPublisher] = {}
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> SuperStreamPublisher:
        """Ask how many partitions there are. Raises StreamMissing or StreamUnavailable."""
        self._partitions = await partition_count(self._url, self._super_stream, self._expected)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(publisher.close() for publisher in self._publishers.values()))
        self._publishers.clear()

    async def publish(self, messages: Sequence[Message], *, timeout: float = 30.0) -> None:
        """Return when the broker has confirmed every message.

        Raises:
            Unconfirmed: within `timeout` seconds it has not, or it refused some; `indexes` are their places in
                `messages`. They may be in the stream or not.
        """
        by_partition: dict[int, list[tuple[int, Message]]] = {}
        for index, message in enumerate(messages):
            home = partition_of(message.subject, self._partitions)
            by_partition.setdefault(home, []).append((index, message))
        results = await asyncio.gather(
            *(self._publish(partition, part, timeout) for partition, part in by_partition.items())
        )
        failures = [failure for failure in results if failure is not None]
        if failures:
            indexes = sorted(index for failure in failures for index in failure.indexes)
            raise Unconfirmed(indexes, failures[0].why) from failures[0]

    async def publish_to(self, partition: int, messages: Sequence[Message], *, timeout: float = 30.0) -> None:
        """Like `publish`, into a partition of the caller's choice. For tests of what others get wrong."""
        failure = await self._publish(partition, list(enumerate(messages)), timeout)
        if failure is not None:
            raise failure

    async def _publish(self, partition: int, part: list[tuple[int, Message]], timeout: float) -> Unconfirmed | None:
        numbers = [number for number, _ in part]
        try:
            async with asyncio.timeout(timeout):
                publisher = await self._publisher(partition)
                await publisher.publish(part)
        except Unconfirmed as failure:
            return failure
        except TimeoutError:
            # Which of them were confirmed in time is not worth a second truth: the ids make a repetition safe.
            return Unconfirmed(numbers, f"no confirm within {timeout:g} s")
        except StreamError as error:
            return Unconfirmed(numbers, str(error))
        return None

    async def _publisher(self, partition: int) -> PartitionPublisher:
        async with self._opening:
            publisher = self._publishers.get(partition)
            if publisher is None or not publisher.is_open:
                if publisher is not None:
                    with contextlib.suppress(StreamError):
                        await publisher.close()
                stream = partition_name(self._super_stream, partition)
                publisher = self._publishers[partition] = await PartitionPublisher.open(self._address, stream)
            return publisher


def _entry(message: Message) -> bytes:
    """A message as it stands in a version 2 Publish frame, after its publishing id."""
    value = message.filter_value.encode("ascii")
    data = encode(message.body, message.message_id)
    return len(value).to_bytes(2, "big") + value + len(data).to_bytes(4, "big") + data


def _frames(entries: Sequence[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """Cut the entries into frames the broker accepts, in order."""
    frames: list[list[tuple[int, bytes]]] = []
    size = _FRAME_TARGET
    for entry in entries:
        needed = len(entry[1]) + 8
        if size + needed > _FRAME_TARGET - _FRAME_HEAD_BYTES:
            frames.append([])
            size = 0
        frames[-1].append(entry)
        size += needed
    return frames
