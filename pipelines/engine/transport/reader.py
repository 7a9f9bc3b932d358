"""Read a stretch of a stream: for audits, tails and look-ups. No group, no position kept anywhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.chunk import Chunk, chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from schemas.errors import EventsLost

_SUBSCRIPTION = 0
_CREDIT = 8


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
    connection = await connect_to(Address.parse(url), stream, f"warren reader {stream}", leader=False)
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
    """Like `end_offset`, of a parsed address."""
    connection = await connect_to(address, stream, "warren offsets", leader=False)
    try:
        if (await connection.stats(stream))["first_chunk_id"] < 0:
            return 0
        queue = connection.deliveries(_SUBSCRIPTION)
        spec = schema.OffsetSpec.from_params(OffsetType.LAST, None)
        await connection.request(lambda client: client.subscribe(stream, _SUBSCRIPTION, spec, 1))
        last = await connection.or_closed(queue.get())
        return int(last.chunk_first_offset + last.num_records)
    finally:
        await connection.close()


async def _require(connection: Connection, stream: str, offset: int) -> None:
    """Refuse to read from where retention has removed events."""
    first = (await connection.stats(stream))["first_chunk_id"]
    if first > offset:
        raise EventsLost(stream, offset, first)
