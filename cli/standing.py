"""How far the live pipeline is behind the stream, partition by partition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.database import Live
from cli.partitions import stream_of
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.transport import Position, check_position, partition_count, waiting

_CHECKPOINTS = named_sql(__package__, "checkpoints")


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition.

    `events` wait (an offset of the broker's own may be counted with them), the oldest for `seconds`: since the log
    recorded it, by this machine's clock; None where none wait. `owner` had it last, under `epoch`; `owned` says
    whether that process is connected.
    """

    partition: int
    end_offset: int
    next_offset: int
    events: int
    seconds: float | None
    owner: str
    epoch: int
    owned: bool
    committed_at: datetime | None


async def lags(settings: Settings, live: Live) -> list[PartitionLag]:
    """Return every partition's lag; one nobody has claimed yet stands at offset 0.

    Raises StreamMissing, StreamUnavailable; EventsLost or StreamReplaced where a lag would mean nothing; or as the
    database does.
    """
    # Checkpoints first: whatever is committed meanwhile must not look like an offset beyond the stream's end.
    rows = {row["partition"]: row for row in await live.connection.fetch(_CHECKPOINTS)}
    count = await partition_count(settings.stream_url, settings.super_stream)
    positions = [
        Position(row["next_offset"], row["recorded_at"]) if (row := rows.get(partition)) else Position(0)
        for partition in range(count)
    ]
    streams = [stream_of(settings, partition) for partition in range(count)]
    await asyncio.gather(*(check_position(settings.stream_url, *one) for one in zip(streams, positions, strict=True)))
    offsets = [position.offset for position in positions]
    waits = await asyncio.gather(*(waiting(settings.stream_url, *one) for one in zip(streams, offsets, strict=True)))
    now = datetime.now(UTC)
    found = []
    for partition, (begin, waits_here) in enumerate(zip(offsets, waits, strict=True)):
        row = rows.get(partition)
        found.append(
            PartitionLag(
                partition=partition,
                end_offset=waits_here.end,
                next_offset=begin,
                events=waits_here.events,
                seconds=_age(waits_here.oldest, now),
                owner=row["owner"] if row else "",
                epoch=row["epoch"] if row else 0,
                owned=bool(row and row["owner_connected"]),
                committed_at=row["committed_at"] if row else None,
            )
        )
    return found


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, (now - moment).total_seconds())
