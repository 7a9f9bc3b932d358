"""Records of several partitions as one sequence: what is there in the order it was recorded, then what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import datetime

from cli.partitions import end_offsets, reading, stream_of
from pipelines.engine.settings import Settings
from pipelines.engine.transport import Chunk, first_offset
from schemas.errors import StreamError


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record, and where and when the log has it."""

    partition: int
    offset: int
    recorded_at: datetime
    record: bytes


async def history(settings: Settings, stretches: dict[int, tuple[int, int]]) -> AsyncGenerator[Recorded, None]:
    """Yield the records of each partition's [first, end), by the time they were recorded.

    Raises EventsLost, StreamMissing or StreamUnavailable.
    """
    async with AsyncExitStack() as stack:
        heads: dict[int, tuple[Chunk, AsyncIterator[Chunk]]] = {}
        for partition, (first, end) in stretches.items():
            chunks = await stack.enter_async_context(reading(settings, partition, first, end))
            if (chunk := await anext(chunks, None)) is not None:
                heads[partition] = chunk, chunks
        while heads:
            partition = min(heads, key=lambda p: (heads[p][0].recorded_at, p))
            chunk, chunks = heads.pop(partition)
            for record in _records(chunk):
                yield record
            if (chunk_after := await anext(chunks, None)) is not None:
                heads[partition] = chunk_after, chunks


async def live(settings: Settings, begins: dict[int, int]) -> AsyncGenerator[Recorded, None]:
    """Yield the records of each partition from its offset on, as they come, for ever. Raises as `history`."""
    came: asyncio.Queue[Chunk | Exception] = asyncio.Queue(maxsize=4)

    async def follow(partition: int, offset: int) -> None:
        try:
            async with reading(settings, partition, offset) as chunks:
                async for chunk in chunks:
                    await came.put(chunk)
        except Exception as error:  # handed to the reader, who raises it
            await came.put(error)

    tasks = [asyncio.create_task(follow(partition, offset)) for partition, offset in begins.items()]
    try:
        while True:
            chunk = await came.get()
            if isinstance(chunk, Exception):
                raise chunk
            for record in _records(chunk):
                yield record
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def records(
    settings: Settings, partitions: Sequence[int], begin: str, *, follow: bool
) -> AsyncGenerator[Recorded, None]:
    """Yield the records of these partitions from `begin` (`first`, `next` or an offset) to the end as it is now.

    With `follow`, go on for ever.

    Raises StreamError where the offset lies beyond the end; else as `history`.
    """
    all_ends = await end_offsets(settings)
    ends = {partition: all_ends[partition] for partition in partitions}
    if begin != "next":
        stretches = {partition: (await _begin(settings, partition, begin, end), end) for partition, end in ends.items()}
        async with aclosing(history(settings, stretches)) as old:
            async for record in old:
                yield record
    if follow:
        async with aclosing(live(settings, ends)) as new:
            async for record in new:
                yield record


async def _begin(settings: Settings, partition: int, begin: str, end: int) -> int:
    if begin == "first":
        return await first_offset(settings.stream_url, stream_of(settings, partition))
    if int(begin) > end:
        raise StreamError(f"partition {partition} ends before offset {begin}: its next event will have offset {end}")
    return int(begin)


def _records(chunk: Chunk) -> list[Recorded]:
    return [
        Recorded(chunk.partition, offset, chunk.recorded_at, record)
        for offset, record in enumerate(chunk.records, chunk.first_offset)
    ]
