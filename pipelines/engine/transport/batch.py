"""What a group's member is given, and what it asks: batches of chunks, and the position to go on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipelines.engine.transport.chunk import Chunk


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition goes on: at `offset`.

    `recorded_at` is the `Batch.recorded_at` of the batch before, to the millisecond. By it a stream that was deleted
    and made anew is known for another one. None where nothing was read yet or the time was not kept: then it is known
    only where it is shorter.
    """

    offset: int
    recorded_at: datetime | None = None


class Positions(Protocol):
    """Who owns a partition and where it goes on; kept where the events take effect."""

    async def claim(self, partition: int) -> Position:
        """Take the partition over from whoever had it and return where it goes on."""
        ...

    async def position(self, partition: int) -> int | None:
        """Return where the partition stands, whoever owns it, and take nothing; None where that cannot be told."""
        ...

    def abandon(self, partition: int) -> None:
        """Give up what is under way for the partition, at once and without waiting for anything. Idempotent."""
        ...

    async def release(self, partition: int) -> None:
        """Let the partition go; another member may have it now. Idempotent, safe before `claim`."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive chunks of one partition, no event missing between them, at least one record in all.

    `first_offset` is where the batch before ended; the first record may lie behind it, where offsets hold no events.
    """

    partition: int
    first_offset: int
    chunks: list[Chunk]
    make_way: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)
    """Called by a handler that cannot go on for now: whatever keeps this batch need not keep other partitions."""

    @property
    def end_offset(self) -> int:
        """The offset after the last record."""
        return self.chunks[-1].end_offset

    @property
    def recorded_at(self) -> datetime:
        """When the broker wrote the last record."""
        return self.chunks[-1].recorded_at

    def __len__(self) -> int:
        return sum(len(chunk.records) for chunk in self.chunks)
