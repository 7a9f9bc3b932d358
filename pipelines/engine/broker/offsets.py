"""Where a subscriber without a group begins to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from faststream.exceptions import SetupError

from pipelines.engine.transport import Chunk, end_offset, first_offset, read_stream

_Resolve = Callable[[str, str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Offset:
    """A place in a stream, looked up once, when the subscriber first reaches the broker; in each partition anew.

    Make one with `first`, `last`, `next`, `at` or `since`.
    """

    description: str
    resolve: _Resolve
    """Gives the offset of the first record to read, for the broker's URL and a stream's name."""

    @classmethod
    def first(cls) -> Offset:
        """The oldest record there is."""
        return cls("the oldest record", first_offset)

    @classmethod
    def last(cls) -> Offset:
        """The newest record there is."""
        return cls("the newest record", _last)

    @classmethod
    def next(cls) -> Offset:
        """The first record that is not there yet."""
        return cls("the next new record", end_offset)

    @classmethod
    def at(cls, offset: int) -> Offset:
        """The record with this offset, which retention must not have removed."""
        if offset < 0:
            raise SetupError(f"an offset is not negative: {offset}")

        async def given(_url: str, _stream: str) -> int:
            return offset

        return cls(f"offset {offset}", given)

    @classmethod
    def since(cls, moment: datetime) -> Offset:
        """The first record the broker wrote at `moment` or later, to the millisecond; `moment` has a time zone."""
        if moment.tzinfo is None:
            raise SetupError(f"Offset.since needs a time zone: {moment.isoformat()} may mean any")
        rounded = moment.astimezone(UTC)
        rounded = rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)

        async def search(url: str, stream: str) -> int:
            return await _since(url, stream, rounded)

        return cls(f"the first record since {rounded.isoformat(timespec='milliseconds')}", search)


async def _last(url: str, stream: str) -> int:
    return max(0, await end_offset(url, stream) - 1)


async def _since(url: str, stream: str, moment: datetime) -> int:
    """Halve the stream, a chunk a step: the broker's own look-up by time begins a chunk too early."""
    low, high = await first_offset(url, stream), await end_offset(url, stream)
    while low < high:
        middle = (low + high) // 2
        chunk = await _chunk_at(url, stream, middle)
        if chunk.recorded_at < moment:
            low = chunk.end_offset
        else:
            high = middle
    return low


async def _chunk_at(url: str, stream: str, offset: int) -> Chunk:
    async with aclosing(read_stream(url, stream, offset)) as chunks:
        return await anext(chunks)
