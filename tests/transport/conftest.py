"""A positions double that keeps them in memory: the transport knows no database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.engine.transport import Batch, GroupConsumer, Message, Position, SuperStreamPublisher, Turns
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.membership import SUBSCRIPTION
from schemas.streams import partition_name
from tests.support.runs import Run
from tests.support.waiting import until


@dataclass
class MemoryPositions:
    """Next offsets by partition, when what is before them was recorded, and what was asked."""

    offsets: dict[int, int] = field(default_factory=dict)
    recorded_at: dict[int, datetime] = field(default_factory=dict)
    claims: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)

    async def claim(self, partition: int) -> Position:
        self.claims.append(partition)
        return Position(self.offsets.get(partition, 0), self.recorded_at.get(partition))

    async def position(self, partition: int) -> int | None:
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
        assert batch.first_offset == self.positions.offsets.get(batch.partition, 0)
        self.batches.append(batch)
        for chunk in batch.chunks:
            self.records += list(enumerate(chunk.records, chunk.first_offset))
        self.positions.offsets[batch.partition] = batch.end_offset
        self.positions.recorded_at[batch.partition] = batch.recorded_at

    @property
    def offsets(self) -> list[int]:
        return [offset for offset, _ in self.records]


def member(
    url: str,
    super_stream: str,
    positions: MemoryPositions,
    *,
    partition: int = 0,
    records: int = 1000,
    turns: Turns | None = None,
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
        turns=turns or Turns(None),
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


async def publish(run: Run, first: int, count: int, *, at_once: int = 1000, partition: int = 0) -> None:
    """Publish numbers to a partition, each call's as one chunk or more."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(first, first + count, at_once):
            numbers = range(start, min(start + at_once, first + count))
            await publisher.publish_to(partition, [Message("x", b"%d" % n, f"{n}", "t") for n in numbers])


async def received(collector: Collector, count: int) -> None:
    """Wait until the handler has had so many records."""

    async def enough() -> bool:
        return len(collector.records) >= count

    await until(enough, f"{count} records")


@dataclass
class Wiretap:
    """Counts the chunks and records a broker sends to members, and where they begin; for `Proxy.frames`."""

    first_offsets: list[int] = field(default_factory=list)
    records: int = 0

    def __call__(self, frame: bytes) -> bytes:
        if is_chunk(frame) and frame[4] == SUBSCRIPTION:
            self.first_offsets.append(chunk_offset(frame))
            self.records += int.from_bytes(frame[9:13], "big")
        return frame


def is_chunk(frame: bytes) -> bool:
    """Whether it is a Deliver frame."""
    return frame[:2] == b"\x00\x08"


def chunk_offset(frame: bytes) -> int:
    """Where the chunk in a Deliver frame begins."""
    return int.from_bytes(frame[29:37], "big")


def losing_chunk_at(offset: int) -> Callable[[bytes], bytes]:
    """Return a frame filter that swallows one chunk, once."""
    lost = False

    def swallow(frame: bytes) -> bytes:
        nonlocal lost
        if lost or not is_chunk(frame) or chunk_offset(frame) != offset:
            return frame
        lost = True
        return b""

    return swallow
