"""A positions double that keeps them in memory: the transport knows no database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipelines.engine.transport import Batch, GroupConsumer
from pipelines.engine.transport.address import Address
from schemas.streams import partition_name


@dataclass
class MemoryPositions:
    """Next offsets by partition, and what was asked."""

    offsets: dict[int, int] = field(default_factory=dict)
    claims: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)

    async def claim(self, partition: int) -> int:
        self.claims.append(partition)
        return self.offsets.get(partition, 0)

    def abandon(self, partition: int) -> None:
        self.abandoned.append(partition)

    async def release(self, partition: int) -> None:
        self.releases.append(partition)


@dataclass
class Collector:
    """A handler that keeps the records and moves the position as a committed batch would."""

    positions: MemoryPositions
    records: list[tuple[int, bytes]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    async def __call__(self, batch: Batch) -> None:
        self.batches.append(batch)
        for chunk in batch.chunks:
            self.records += list(enumerate(chunk.records, chunk.first_offset))
        self.positions.offsets[batch.partition] = batch.end_offset

    @property
    def offsets(self) -> list[int]:
        return [offset for offset, _ in self.records]


def member(
    url: str, super_stream: str, positions: MemoryPositions, *, partition: int = 0, records: int = 1000
) -> GroupConsumer:
    """Return a member of group `g` on one partition."""
    return GroupConsumer(
        Address.parse(url),
        partition_name(super_stream, partition),
        partition=partition,
        super_stream=super_stream,
        group="g",
        positions=positions,
        batch_records=records,
    )


@asynccontextmanager
async def consuming(
    consumer: GroupConsumer, handle: Callable[[Batch], Awaitable[None]]
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a member for as long as the block lasts; the task tells how it ended."""
    task = asyncio.create_task(consumer.run(handle))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
