"""Is it the stream we knew? A position or a jump that retention, or another stream of that name, made meaningless."""

from __future__ import annotations

import logging

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Position
from pipelines.engine.transport.chunk import recorded_at
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.reader import first_event_at, one_chunk
from schemas.errors import EventsLost, StreamReplaced, StreamUnavailable

log = logging.getLogger(__name__)


async def check_position(url: str, stream: str, position: Position) -> None:
    """Refuse a position retention has passed, or one that speaks of another stream.

    A stream has no identity that the broker would tell. What no restart and no other leader ever changes is when a
    chunk was recorded, and where: so the chunk before the position is compared with what is known of it. The times
    are equal or not; whose clock went backwards does not matter. Where retention has removed just that chunk, nothing
    unread is lost, and nothing is left to compare: a stream made anew is recorded later, as is what follows here.

    Raises:
        EventsLost, StreamReplaced: such a position.
        StreamMissing, StreamUnavailable: the broker could not be asked.
    """
    await check_position_at(Address.parse(url), stream, position)


async def check_position_at(address: Address, stream: str, position: Position) -> None:
    """Like `check_position`, at a parsed address."""
    offset = position.offset
    connection = await connect_to(address, stream, "warren position", leader=True)
    try:
        first = (await connection.stats(stream))["first_chunk_id"]
        if first > offset:
            raise EventsLost(stream, offset, first)
        if offset == 0:
            return
        if first < 0:
            raise StreamReplaced(stream, offset, "it is empty")
        chunk = await one_chunk(connection, stream, schema.OffsetSpec.from_params(OffsetType.LAST, None))
        end = chunk.chunk_first_offset + chunk.num_records
        if end < offset:
            raise StreamReplaced(stream, offset, f"it ends at offset {end}")
        if position.recorded_at is None or first == offset:
            return
        if chunk.chunk_first_offset >= offset:
            before = schema.OffsetSpec.from_params(OffsetType.OFFSET, offset - 1)
            chunk = await one_chunk(connection, stream, before)
    finally:
        await connection.close()
    if chunk.chunk_first_offset >= offset:
        # Retention may have come between the questions, so this is no alarm but asked again.
        raise StreamUnavailable(f"{stream}: there is no event at offset {offset - 1} now, but one was read there")
    if (found := recorded_at(chunk)) != position.recorded_at:
        why = f"its offset {offset - 1} was recorded at {found}, not at {position.recorded_at}"
        raise StreamReplaced(stream, offset, why)


async def explain_jump(connection: Connection, address: Address, stream: str, expected: int, found: int) -> None:
    """Refuse a jump over events; accept one over offsets that never held any (a tracking chunk).

    Raises:
        EventsLost: retention removed what lies between.
        StreamUnavailable: the broker skipped events that it has, or could not be asked.
    """
    first = (await connection.stats(stream))["first_chunk_id"]
    if first > expected:
        raise EventsLost(stream, expected, first)
    if await first_event_at(address, stream, expected) < found:
        raise StreamUnavailable(f"{stream}: the broker skipped from offset {expected} to {found}")
    log.info("%s: offsets %d to %d hold no events (tracking)", stream, expected, found - 1)
