"""Read a stretch of a stream: for audits, tails and look-ups. No group, no position kept anywhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.chunk import Chunk, chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.filtering import EventFilter
from pipelines.engine.transport.locate import connect_to
from schemas.errors import EventsLost, StreamUnavailable

_SUBSCRIPTION = 0
_CREDIT = 8

ANSWER_SECONDS = 10.0
"""How long a look at one chunk may take."""

QUIET_SECONDS = 1.0
"""A broker that is to leave chunks out and sends nothing for so long may be at the end asked for: see for ourselves."""


async def read_stream(
    url: str,
    stream: str,
    first_offset: int,
    end_offset: int | None = None,
    *,
    only: EventFilter | None = None,
) -> AsyncGenerator[Chunk, None]:
    """Yield the stream's chunks, trimmed to [`first_offset`, `end_offset`), in order and without a gap.

    Without `end_offset` it goes on for ever, as new events come; close it (`contextlib.aclosing`) to stop. At most a
    few chunks are in memory. The chunks' `partition` is the number at the end of the stream's name, 0 where there is
    none. With `only`, chunks are what is left of them, and there are gaps.

    Raises:
        EventsLost: the stream begins after `first_offset`, or has a hole (not noticed with `only`).
        StreamMissing, StreamUnavailable: also in the middle; nothing is retried here.
    """
    address = Address.parse(url)
    async with contextlib.aclosing(
        _read(address, stream, first_offset, end_offset, only, skipping=only is not None)
    ) as chunks:
        async for chunk in chunks:
            yield chunk


async def _read(
    address: Address, stream: str, first: int, end: int | None, only: EventFilter | None, *, skipping: bool
) -> AsyncGenerator[Chunk, None]:
    """Yield the wanted chunks; `skipping` lets the broker leave some out."""
    expected = first
    if end is not None and expected >= end:
        return
    connection = await connect_to(address, stream, f"warren reader {stream}", leader=False)
    try:
        await _require(connection, stream, first)
        queue: asyncio.Queue[schema.Deliver | None] = asyncio.Queue()
        connection.deliver(_SUBSCRIPTION, queue)
        spec = schema.OffsetSpec.from_params(OffsetType.OFFSET, first)
        properties = only.properties() if only is not None and skipping else None
        await connection.request(
            lambda client: client.subscribe(stream, _SUBSCRIPTION, spec, _CREDIT, properties), stream=stream
        )
        suffix = stream.rsplit("-", 1)[-1]
        partition = int(suffix) if suffix.isdigit() else 0
        while end is None or expected < end:
            try:
                async with asyncio.timeout(QUIET_SECONDS if skipping and end is not None else None):
                    deliver = await queue.get()
            except TimeoutError:
                break
            if deliver is None:
                raise StreamUnavailable(f"{stream}: {await connection.wait_closed()}")
            chunk = chunk_of(deliver, partition)
            if chunk.first_offset > expected and not skipping:
                await _require(connection, stream, expected)
                if await first_event_at(address, stream, expected) < chunk.first_offset:
                    raise StreamUnavailable(f"{stream}: the broker skipped from offset {expected}")
            connection.credit(_SUBSCRIPTION, 1)
            part = chunk.within(expected, end)
            expected = max(expected, chunk.end_offset)
            for wanted in only.apply(part) if only is not None else [part]:
                if wanted.records:
                    yield wanted
    finally:
        await connection.close()
    if end is not None and expected < end:
        # The broker says nothing of chunks it leaves out, so whether it has come to the end is found by reading on.
        async for chunk in _read(address, stream, expected, end, only, skipping=False):
            yield chunk


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
        last = await one_chunk(connection, stream, schema.OffsetSpec.from_params(OffsetType.LAST, None))
        return int(last.chunk_first_offset + last.num_records)
    finally:
        await connection.close()


async def first_event_at(address: Address, stream: str, offset: int) -> int:
    """Return the offset of the first event at or behind `offset`. There must be one, else this ends with an error.

    Raises:
        StreamUnavailable: none was delivered within `ANSWER_SECONDS`.
    """
    return max(offset, int((await _chunk_from(address, stream, offset)).chunk_first_offset))


async def chunk_at(address: Address, stream: str, first: int) -> schema.Deliver:
    """Return the chunk that begins with offset `first`. Raises StreamUnavailable, also where it is there no more."""
    chunk = await _chunk_from(address, stream, first)
    if chunk.chunk_first_offset != first:
        raise StreamUnavailable(f"{stream}: the chunk at offset {first} is there no more")
    return chunk


async def _chunk_from(address: Address, stream: str, offset: int) -> schema.Deliver:
    connection = await connect_to(address, stream, "warren offsets", leader=True)
    try:
        return await one_chunk(connection, stream, schema.OffsetSpec.from_params(OffsetType.OFFSET, offset))
    finally:
        await connection.close()


async def one_chunk(connection: Connection, stream: str, spec: schema.OffsetSpec) -> schema.Deliver:
    """Return the chunk that a consumer would be given first. There must be one, else this ends with an error.

    Raises:
        StreamUnavailable: none was delivered within `ANSWER_SECONDS`, or the connection died.
    """
    queue: asyncio.Queue[schema.Deliver | None] = asyncio.Queue()
    connection.deliver(_SUBSCRIPTION, queue)
    await connection.request(lambda client: client.subscribe(stream, _SUBSCRIPTION, spec, 1), stream=stream)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            deliver = await queue.get()
    except TimeoutError as error:
        # A stream that holds nothing but stored offsets of other consumers has a chunk, but none to deliver.
        raise StreamUnavailable(f"{stream}: no event was delivered within {ANSWER_SECONDS:g} s") from error
    if deliver is None:
        raise StreamUnavailable(f"{stream}: {await connection.wait_closed()}")
    await connection.request(lambda client: client.unsubscribe(_SUBSCRIPTION))
    return deliver


async def _require(connection: Connection, stream: str, offset: int) -> None:
    """Refuse to read from where retention has removed events."""
    first = (await connection.stats(stream))["first_chunk_id"]
    if first > offset:
        raise EventsLost(stream, offset, first)
