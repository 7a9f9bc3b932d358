"""Read a stretch of a stream: for audits, tails and look-ups. No group, no position kept anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.chunk import Chunk, chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from schemas.errors import EventsLost, StreamUnavailable

_SUBSCRIPTION = 0
_CREDIT = 8

ANSWER_SECONDS = 10.0
"""How long a look at one chunk may take."""


async def read_stream(
    url: str, stream: str, first_offset: int, end_offset: int | None = None
) -> AsyncGenerator[Chunk, None]:
    """Yield the stream's chunks, trimmed to [`first_offset`, `end_offset`), in order and without a gap.

    Without `end_offset` it goes on for ever, as new events come; close it (`contextlib.aclosing`) to stop. At most a
    few chunks are in memory. The chunks' `partition` is the number at the end of the stream's name, 0 where there is
    none.

    Raises:
        EventsLost: the stream begins after `first_offset`, or has a hole.
        StreamMissing, StreamUnavailable: also in the middle; nothing is retried here.
    """
    if end_offset is not None and first_offset >= end_offset:
        return
    address = Address.parse(url)
    connection = await connect_to(address, stream, f"warren reader {stream}", leader=False)
    try:
        await _require(connection, stream, first_offset)
        queue = connection.deliveries(_SUBSCRIPTION)
        spec = schema.OffsetSpec.from_params(OffsetType.OFFSET, first_offset)
        await connection.request(lambda client: client.subscribe(stream, _SUBSCRIPTION, spec, _CREDIT))
        suffix = stream.rsplit("-", 1)[-1]
        partition = int(suffix) if suffix.isdigit() else 0
        expected = first_offset
        while end_offset is None or expected < end_offset:
            chunk = chunk_of(await connection.or_closed(queue.get()), partition)
            if chunk.first_offset > expected:
                await _require(connection, stream, expected)
                if await first_event_at(address, stream, expected) < chunk.first_offset:
                    raise StreamUnavailable(f"{stream}: the broker skipped from offset {expected}")
            await connection.request(lambda client: client.credit(_SUBSCRIPTION, 1))
            part = chunk.within(expected, end_offset)
            expected = max(expected, chunk.end_offset)
            if part.records:
                yield part
    finally:
        await connection.close()


async def first_offset(url: str, stream: str) -> int:
    """Return the oldest offset the stream has; for an empty stream, 0."""
    connection = await Connection.open(Address.parse(url), "warren offsets")
    try:
        return max(0, (await connection.stats(stream))["first_chunk_id"])
    finally:
        await connection.close()


async def end_offset(url: str, stream: str) -> int:
    """Return the offset the next event will get: that after the last committed one; 0 for an empty stream."""
    return await end_offset_at(Address.parse(url), stream)


async def end_offset_at(address: Address, stream: str) -> int:
    """Like `end_offset`, of a parsed address. The leader is asked: a replica may not have the last events yet."""
    connection = await connect_to(address, stream, "warren offsets", leader=True)
    try:
        if (await connection.stats(stream))["first_chunk_id"] < 0:
            return 0
        last = await _one_chunk(connection, stream, schema.OffsetSpec.from_params(OffsetType.LAST, None))
        return int(last.chunk_first_offset + last.num_records)
    finally:
        await connection.close()


async def first_event_at(address: Address, stream: str, offset: int) -> int:
    """Return the offset of the first event at or behind `offset`. There must be one, else this ends with an error.

    Raises:
        StreamUnavailable: none was delivered within `ANSWER_SECONDS`.
    """
    connection = await connect_to(address, stream, "warren offsets", leader=True)
    try:
        spec = schema.OffsetSpec.from_params(OffsetType.OFFSET, offset)
        chunk = await _one_chunk(connection, stream, spec)
        return max(offset, int(chunk.chunk_first_offset))
    finally:
        await connection.close()


async def _one_chunk(connection: Connection, stream: str, spec: schema.OffsetSpec) -> schema.Deliver:
    queue = connection.deliveries(_SUBSCRIPTION)
    await connection.request(lambda client: client.subscribe(stream, _SUBSCRIPTION, spec, 1))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await connection.or_closed(queue.get())
    except TimeoutError as error:
        # A stream that holds nothing but stored offsets of other consumers has a chunk, but none to deliver.
        raise StreamUnavailable(f"{stream}: no event was delivered within {ANSWER_SECONDS:g} s") from error


async def _require(connection: Connection, stream: str, offset: int) -> None:
    """Refuse to read from where retention has removed events."""
    first = (await connection.stats(stream))["first_chunk_id"]
    if first > offset:
        raise EventsLost(stream, offset, first)
