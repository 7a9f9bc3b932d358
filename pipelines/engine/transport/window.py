"""Publish to one stream over one connection: what is on its way, in a bounded window, each until it is confirmed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rstream import schema

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from schemas.errors import StreamUnavailable, Unconfirmed

WINDOW = 10_000
"""At most so many entries of one partition wait for their confirms; further ones wait in the caller's list."""

_PUBLISHER_ID = 1
_FRAME_TARGET = 256 * 1024
_FRAME_HEAD = struct.Struct(">IHHBI")
_PUBLISH = 2

_publishing_id = struct.Struct(">Q").pack


@dataclass(slots=True, eq=False)
class _Flight:
    """One call of `publish`: how many entries are open, and the publishing ids of those that were sent."""

    open: int
    done: asyncio.Future[None]
    ids: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)

    def settle(self) -> None:
        """Count one entry as confirmed or refused."""
        self.open -= 1
        if not self.open:
            self.end()

    def end(self) -> None:
        """Wake the caller; what is still open then stays unconfirmed."""
        if not self.done.done():
            self.done.set_result(None)


class PartitionPublisher:
    """Publishes to one stream over one connection, until that is lost; then a new one is made.

    Nothing is ever sent a second time here. Without a name, entries get publishing ids of this connection's own,
    which the broker does not deduplicate by.
    """

    def __init__(self, connection: Connection, stream: str, version: int) -> None:
        self._connection = connection
        self._stream = stream
        self._version = version
        self._next_id = 1
        self._flights: dict[int, _Flight] = {}
        self._room = asyncio.Event()
        self._sending = asyncio.Lock()

    @classmethod
    async def open(
        cls, address: Address, stream: str, *, name: str | None = None, version: int = 2
    ) -> PartitionPublisher:
        """Connect to the stream's leader; `version` is that of the Publish frame the entries are made for.

        Raises:
            StreamMissing, StreamUnavailable: nobody there, or refused.
        """
        connection = await connect_to(address, stream, f"warren publisher {stream}", leader=True)
        self = cls(connection, stream, version)
        try:
            connection.on(schema.PublishConfirm, self._on_confirm)
            connection.on(schema.PublishError, self._on_error)
            connection.on_closed(self._on_closed)
            await connection.request(
                lambda client: client.declare_publisher(stream, name, _PUBLISHER_ID), stream=stream
            )
        except BaseException:
            await connection.close()
            raise
        return self

    @property
    def is_open(self) -> bool:
        """False once the connection is lost."""
        return self._connection.is_open

    async def publish(self, entries: Sequence[bytes], deadline: float, ids: Sequence[int] | None = None) -> None:
        """Send the entries in order, under `ids` where given, and wait until the broker has confirmed each.

        `deadline` is in the event loop's time. What was not sent by then, or when the call is cancelled, never is.

        Raises:
            Unconfirmed: `indexes` are the places of those refused, or not confirmed before the deadline or the loss
                of the connection. All others are in the stream.
        """
        if not entries:
            return
        flight = _Flight(len(entries), asyncio.get_running_loop().create_future())
        why = "no confirm in time"
        try:
            async with asyncio.timeout_at(deadline):
                async with self._sending:
                    for first, last in self._frames(entries):
                        await self._send(flight, entries[first:last], None if ids is None else ids[first:last])
                await flight.done
            why = f"the broker refused them: codes {set(flight.refused.values())}"
        except TimeoutError:
            pass
        except StreamUnavailable as error:
            why = str(error)
        finally:
            unconfirmed = self._forget(flight, len(entries))
        if unconfirmed:
            raise Unconfirmed(unconfirmed, why if self.is_open else await self._connection.wait_closed())

    async def close(self) -> None:
        """Close the connection; calls under way end unconfirmed. Idempotent."""
        await self._connection.close()

    async def _send(self, flight: _Flight, entries: Sequence[bytes], ids: Sequence[int] | None) -> None:
        """Send one frame as soon as the window and the socket have room for it. Raises StreamUnavailable."""
        while self.is_open and len(self._flights) + len(entries) > WINDOW:
            self._room.clear()
            await self._room.wait()
        if ids is None:
            ids = range(self._next_id, self._next_id + len(entries))
            self._next_id += len(entries)
        await self._connection.send(self._frame(entries, ids))
        # Nothing was awaited since the frame was written, so no confirm can have come yet.
        flight.ids.extend(ids)
        self._flights.update(dict.fromkeys(ids, flight))

    def _frames(self, entries: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """Cut the entries, in order, into frames the broker accepts and the window has room for."""
        largest = self._connection.frame_max - _FRAME_HEAD.size
        if max(map(len, entries)) + 8 > largest:
            raise StreamUnavailable(f"{self._stream}: an event is too large for the {largest} bytes the broker takes")
        target = min(_FRAME_TARGET, largest)
        first = size = 0
        for place, entry in enumerate(entries):
            size += len(entry) + 8
            if place > first and (size > target or place - first == WINDOW):
                yield first, place
                first, size = place, len(entry) + 8
        yield first, len(entries)

    def _frame(self, entries: Sequence[bytes], ids: Sequence[int]) -> bytes:
        parts = [part for pair in zip(map(_publishing_id, ids), entries, strict=True) for part in pair]
        size = _FRAME_HEAD.size - 4 + 8 * len(entries) + sum(map(len, entries))
        head = _FRAME_HEAD.pack(size, _PUBLISH, self._version, _PUBLISHER_ID, len(entries))
        return b"".join((head, *parts))

    def _forget(self, flight: _Flight, count: int) -> list[int]:
        """Take the call off the window and return the places of what is not confirmed."""
        open_ids = {number for number in flight.ids if self._flights.pop(number, None) is not None}
        self._room.set()
        unsent = range(len(flight.ids), count)
        if not (open_ids or flight.refused or unsent):
            return []
        open_ids |= flight.refused.keys()
        return [place for place, number in enumerate(flight.ids) if number in open_ids] + list(unsent)

    def _on_confirm(self, frame: schema.PublishConfirm) -> None:
        take = self._flights.pop
        for publishing_id in frame.publishing_ids:
            flight = take(publishing_id, None)
            if flight is not None:
                flight.settle()
        self._room.set()

    def _on_error(self, frame: schema.PublishError) -> None:
        for error in frame.errors:
            flight = self._flights.pop(error.publishing_id, None)
            if flight is not None:
                flight.refused[error.publishing_id] = error.response_code
                flight.settle()
        self._room.set()

    def _on_closed(self, _: str) -> None:
        for flight in set(self._flights.values()):
            flight.end()
        self._room.set()
