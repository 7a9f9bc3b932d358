"""Is it the stream we knew? A position or a jump that retention, or another stream of that name, made meaningless."""

from __future__ import annotations

import logging

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.reader import end_offset_at, first_event_at
from schemas.errors import EventsLost, StreamUnavailable

log = logging.getLogger(__name__)


async def check_position(connection: Connection, address: Address, stream: str, expected: int) -> None:
    """Refuse a position retention has passed, or one beyond the stream's end: it is not the stream we knew.

    Raises:
        EventsLost: such a position.
        StreamUnavailable: the broker could not be asked.
    """
    first = (await connection.stats(stream))["first_chunk_id"]
    if first > expected:
        raise EventsLost(stream, expected, first)
    if expected > 0:
        end = await connection.or_closed(end_offset_at(address, stream))
        if end < expected:
            raise EventsLost(stream, expected, end)


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
