"""How many events of a stream lie behind a position, and since when the first of them has."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine.transport.reader import read_stream


@dataclass(frozen=True, slots=True)
class Waiting:
    """`events` wait (an offset of the broker's own may be counted with them), `end` is the offset behind the last one.

    `oldest` is when the log recorded the first of them; None where none wait.
    """

    events: int
    end: int
    oldest: datetime | None


async def waiting(url: str, stream: str, offset: int, end: int) -> Waiting:
    """Return what waits from `offset` on, before the stream's `end`.

    Ask for the end first and for the position afterwards: then nothing that has been read already seems to wait.

    Raises:
        EventsLost: retention has removed the event at `offset`.
        StreamMissing, StreamUnavailable: the broker could not be asked.
    """
    if end > offset:
        async with aclosing(read_stream(url, stream, offset, end)) as chunks:
            async for chunk in chunks:
                return Waiting(end - offset, end, chunk.recorded_at)
    return Waiting(0, end, None)
