"""What the broker knows of the super stream's partitions, asked of all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing

from pipelines.engine.settings import Settings
from pipelines.engine.transport import Chunk, end_offset, partition_count, read_stream
from schemas.streams import partition_name


def stream_of(settings: Settings, partition: int) -> str:
    """Return the name of a partition's stream."""
    return partition_name(settings.super_stream, partition)


async def end_offsets(settings: Settings) -> list[int]:
    """Return the offset after the last event of every partition. Raises StreamMissing or StreamUnavailable."""
    count = await partition_count(settings.stream_url, settings.super_stream)
    asked = (end_offset(settings.stream_url, stream_of(settings, partition)) for partition in range(count))
    return list(await asyncio.gather(*asked))


def reading(
    settings: Settings, partition: int, first: int, end: int | None = None
) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
    """Give a partition's chunks in [`first`, `end`), as `read_stream` does; leaving the block ends the reading."""
    return aclosing(read_stream(settings.stream_url, stream_of(settings, partition), first, end))
