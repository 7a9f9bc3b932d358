"""Publish order events: validated first, each to its order's partition, confirmed, again after a loss (I8)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType

from pipelines.edges.publisher.call import Call
from pipelines.edges.publisher.lane import Lane, Part
from pipelines.edges.publisher.messages import Event, message_of
from pipelines.edges.publisher.room import Room
from pipelines.engine.settings import Settings
from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.streams import partition_of

MOST_EVENTS = 20_000
MOST_BYTES = 64 * 1024 * 1024
"""So many events and bytes of bodies, over all calls, wait for their confirms at once; further ones wait for room."""

_SLICE_EVENTS = 1000
_SLICE_BYTES = 4 * 1024 * 1024


class OrderPublisher:
    """The way by which a Python service puts events into the super stream. One for a process, shared by its tasks.

    What a lost connection leaves unconfirmed is published again, until `timeout` seconds after the call. So an event
    may be in the stream twice, with one id: the ledger drops the second. The events of an order that come one after
    another, in one call or in calls begun one after another, are in the stream in that order: first occurrences, and
    but for an event which the broker refused while it took a later one. It has no producer name: the broker would
    drop whatever lies below its highest publishing id, stored or not.
    """

    def __init__(self, settings: Settings, *, timeout: float = 30.0) -> None:
        self._partitions = settings.partitions
        self._timeout = timeout
        self._stream = SuperStreamPublisher(settings.stream_url, settings.super_stream, settings.partitions)
        self._room = Room(MOST_EVENTS, MOST_BYTES)
        self._lanes = [Lane(self._stream, partition, self._finished) for partition in range(settings.partitions)]

    async def __aenter__(self) -> OrderPublisher:
        """Look the super stream up. Raises StreamMissing or StreamUnavailable."""
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what is unconfirmed, and disconnect."""
        for lane in self._lanes:
            await lane.close()
        await self._stream.__aexit__(kind, error, trace)

    async def publish(self, event: Event) -> None:
        """Return when the broker has confirmed the event. Raises as `publish_many`."""
        await self.publish_many([event])

    async def publish_many(self, events: Sequence[Event]) -> None:
        """Return when the broker has confirmed every event.

        Each is a model of `schemas.orders`, a CloudEvent as read from JSON, or its JSON text, which is sent as it is.
        The others get the current trace, where there is one and they have none. Cancelled, it sends nothing any more;
        what was sent may be in the stream.

        Raises:
            EventRejected, UnknownVersion: one is no event that would take effect. Nothing was sent.
            EventsUnconfirmed: within the time limit the broker did not confirm some, which it names.
        """
        call = Call([message_of(event) for event in events])
        try:
            async with asyncio.timeout(self._timeout):
                for first, last, size in _slices(call.messages):
                    await self._room.take(last - first, size)
                    self._send(call, first, last)
                await call.wait()
        except TimeoutError:
            pass
        finally:
            call.give_up(call.why or f"no confirm within {self._timeout:g} s")
        call.check()

    def _send(self, call: Call, first: int, last: int) -> None:
        homes: defaultdict[int, list[int]] = defaultdict(list)
        for place in range(first, last):
            homes[partition_of(call.messages[place].subject, self._partitions)].append(place)
        for home, places in homes.items():
            size = sum(len(call.messages[place].body) for place in places)
            self._lanes[home].add(Part(call, places, len(places), size))

    def _finished(self, part: Part) -> None:
        self._room.give(part.events, part.size)


def _slices(messages: Sequence[Message]) -> Iterator[tuple[int, int, int]]:
    """Cut into pieces there is room for: first place, the one behind the last, and bytes."""
    first = size = 0
    for place, message in enumerate(messages):
        if place > first and (size + len(message.body) > _SLICE_BYTES or place - first == _SLICE_EVENTS):
            yield first, place, size
            first, size = place, 0
        size += len(message.body)
    if messages:
        yield first, len(messages), size
