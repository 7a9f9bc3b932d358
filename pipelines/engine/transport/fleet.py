"""A publisher for each stream behind a name, connected when first needed and anew after a loss."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.topology import streams_of
from pipelines.engine.transport.window import PartitionPublisher
from schemas.errors import StreamError, Unconfirmed


@dataclass(slots=True)
class Part:
    """What one call publishes to one partition: entries, and the places of their messages in the call, in order.

    `counts` says how many messages each entry holds (None: one), `ids` the entries' publishing ids.
    """

    entries: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    counts: list[int] | None = None
    ids: list[int] | None = None

    def messages_of(self, entries: tuple[int, ...]) -> list[int]:
        """Return the places of the messages in these entries."""
        if self.counts is None:
            return [self.places[entry] for entry in entries]
        wanted, found, start = set(entries), [], 0
        for entry, count in enumerate(self.counts):
            if entry in wanted:
                found += self.places[start : start + count]
            start += count
        return found


class Fleet:
    """The publishers of a super stream's partitions; a plain stream is one partition.

    `expected` is as in `streams_of`, `version` that of the Publish frame the entries are for.
    """

    def __init__(
        self, url: str, stream: str, expected: int | None, *, name: str | None = None, version: int = 2
    ) -> None:
        self._url = url
        self._address = Address.parse(url)
        self._stream = stream
        self._expected = expected
        self._name = name
        self._version = version
        self._publishers: dict[int, PartitionPublisher] = {}
        self._opening: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.streams: list[str] = []
        """Each partition's stream; empty before `open`."""

    async def open(self) -> None:
        """Ask which streams there are. Raises StreamMissing or StreamUnavailable."""
        self.streams = await streams_of(self._url, self._stream, self._expected)

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        publishers, self._publishers = self._publishers, {}
        await asyncio.gather(*(publisher.close() for publisher in publishers.values()))

    async def publish(self, parts: Iterable[tuple[int, Part]], timeout: float) -> None:
        """Publish each part to its partition, all at once, and return when the broker has confirmed everything.

        `parts` may be made while it is asked for: each is on its way before the next is made.

        Raises:
            Unconfirmed: with the places of the messages that are not, `timeout` seconds after the call at the latest.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        calls: list[asyncio.Task[Unconfirmed | None]] = []
        try:
            for partition, part in parts:
                calls.append(asyncio.create_task(self._publish(partition, part, deadline)))
                await asyncio.sleep(0)
            failures = [failure for failure in await asyncio.gather(*calls) if failure is not None]
        except BaseException:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            raise
        if failures:
            places = sorted(place for failure in failures for place in failure.indexes)
            raise Unconfirmed(places, failures[0].why) from failures[0]

    async def _publish(self, partition: int, part: Part, deadline: float) -> Unconfirmed | None:
        try:
            async with asyncio.timeout_at(deadline):
                publisher = await self._publisher(partition)
            await publisher.publish(part.entries, deadline, part.ids)
        except Unconfirmed as failure:
            return Unconfirmed(part.messages_of(failure.indexes), failure.why)
        except TimeoutError:
            return Unconfirmed(part.places, f"{self._address}: no connection in time")
        except StreamError as error:
            return Unconfirmed(part.places, str(error))
        return None

    async def _publisher(self, partition: int) -> PartitionPublisher:
        async with self._opening[partition]:
            publisher = self._publishers.get(partition)
            if publisher is None or not publisher.is_open:
                if publisher is not None:
                    await publisher.close()
                publisher = self._publishers[partition] = await PartitionPublisher.open(
                    self._address, self.streams[partition], name=self._name, version=self._version
                )
            return publisher


class FleetPublisher:
    """What publishes over a fleet, which is open for as long as its `async with` block lasts."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def __aenter__(self) -> Self:
        """Ask how many partitions there are. Raises StreamMissing or StreamUnavailable."""
        await self._fleet.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._fleet.close()
