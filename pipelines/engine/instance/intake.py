"""From records to events: what may take effect, and what goes to quarantine and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from pipelines.engine.instance.projection import Arrived
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.transport import Batch, body_of
from schemas.envelope import Identified
from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.streams import partition_of

_TURN = 100


async def take_in(
    batch: Batch, parse: Callable[[bytes], Identified], partitions: int
) -> tuple[list[Arrived], list[QuarantineRow]]:
    """Return the batch's good events in stream order, and its bad ones. Never raises for what a record holds.

    Others get their turn now and then: what the database has answered meanwhile need not wait for a whole batch.
    """
    good: list[Arrived] = []
    bad: list[QuarantineRow] = []
    for chunk in batch.chunks:
        for offset, record in enumerate(chunk.records, chunk.first_offset):
            if offset % _TURN == 0:
                await asyncio.sleep(0)
            body = record
            try:
                body = body_of(record)
                arrived = _read(body, offset, chunk.recorded_at, parse)
                subject = arrived.event.subject
                home = partition_of(subject, partitions)
                if home != batch.partition:
                    detail = f"order {subject} belongs in partition {home}; publish it there"
                    raise EventRejected(Reason.MISROUTED, detail, _names(arrived))
                good.append(arrived)
            except EventRejected as rejection:
                bad.append(quarantine_row(rejection, batch.partition, offset, body, chunk.recorded_at))
    return good, bad


def conflict(arrived: Arrived, partition: int) -> QuarantineRow:
    """Return the quarantine's row for an event that says something else under an identity already taken."""
    detail = "another event with this source and id, but other content, came before"
    rejection = EventRejected(Reason.CONFLICT, detail, _names(arrived))
    return quarantine_row(rejection, partition, arrived.offset, arrived.body, arrived.recorded_at)


def quarantine_row(
    rejection: EventRejected, partition: int, offset: int, body: bytes, recorded_at: datetime
) -> QuarantineRow:
    """Return the quarantine's row for a rejected event."""
    known = rejection.envelope
    return QuarantineRow(
        partition=partition,
        stream_offset=offset,
        reason=rejection.reason,
        detail=rejection.detail,
        source=known.get("source"),
        event_id=known.get("id"),
        event_type=known.get("type"),
        subject=known.get("subject"),
        body=body,
        recorded_at=recorded_at,
    )


def _read(body: bytes, offset: int, recorded_at: datetime, parse: Callable[[bytes], Identified]) -> Arrived:
    try:
        return Arrived(*parse(body), offset, recorded_at, body)
    except UnknownVersion as unknown:
        return Arrived(*unknown.identified, offset, recorded_at, body, unreadable=str(unknown))


def _names(arrived: Arrived) -> dict[str, str]:
    event = arrived.event
    return {"source": event.source, "id": event.id, "type": event.type, "subject": event.subject}
