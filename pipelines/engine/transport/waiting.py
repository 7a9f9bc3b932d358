"""How many events of a stream lie behind a position, and since when the first of them has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.reader import end_offset, read_stream


async def last_chunks(url: str, streams: Sequence[str]) -> list[int]:
    """Return the offset at which each stream's last committed chunk begins, -1 for an empty one; by one connection.

    Whoever stands behind it has read everything, whoever does not is behind.

    Raises:
        StreamMissing, StreamUnavailable: the broker could not be asked.
    """
    connection = await Connection.open(Address.parse(url), "warren offsets")
    try:
        return [(await connection.stats(stream))["committed_chunk_id"] for stream in streams]
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Waiting:
    """`events` wait (an offset of the broker's own may be counted with them), `end` is the offset behind the last one.

    `oldest` is when the log recorded the first of them; None where none wait.
    """

    events: int
    end: int
    oldest: datetime | None


async def waiting(url: str, stream: str, offset: int) -> Waiting:
    """Return what waits from `offset` on.

    Raises:
        EventsLost: retention has removed the event at `offset`.
        StreamMissing, StreamUnavailable: the broker could not be asked.
    """
    end = await end_offset(url, stream)
    if end > offset:
        async with aclosing(read_stream(url, stream, offset, end)) as chunks:
            async for chunk in chunks:
                return Waiting(end - offset, end, chunk.recorded_at)
    return Waiting(0, end, None)
