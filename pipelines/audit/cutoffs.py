"""Where the audit begins and ends in each partition: the stream's first event, and the checkpoints at its start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.report import Kind
from pipelines.audit.world import Tally
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.transport import describe, end_offset
from schemas.errors import WarrenError
from schemas.streams import partition_name

_CHECKPOINTS = named_sql(__package__, "checkpoints")
_POSITIONS = named_sql(__package__, "positions")

_LAG_SECONDS = 3.0
"""How long a stream may seem to end before the checkpoint: the replica that answers may be a little behind."""


class AuditImpossible(WarrenError):
    """The audit cannot say anything: log or archive cannot be read from its beginning, or there is no room."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is audited: partition p up to `ends[p]`, its checkpoint at the start. `pending` events lie beyond.

    `totals` are the checkpoints' rows of that moment, by partition.
    """

    ends: dict[int, int]
    pending: int
    totals: dict[int, asyncpg.Record]

    @property
    def partitions(self) -> int:
        """How many partitions the super stream has."""
        return len(self.ends)


async def find_cutoffs(settings: Settings, connection: asyncpg.Connection, found: Findings) -> Cutoffs:
    """Read the checkpoints, and then what the stream has.

    Raises:
        AuditImpossible: retention has removed the beginning of a stream.
        StreamMissing, StreamUnavailable, or as the database does.
    """
    partitions = await describe(settings.stream_url, settings.super_stream)
    for info in partitions:
        if info.first_offset:
            raise AuditImpossible(
                f"stream {info.stream!r} begins at offset {info.first_offset}, retention removed what was before: "
                f"the audit needs the whole log, restore it from the archive"
            )
    totals = {row["partition"]: row for row in await connection.fetch(_CHECKPOINTS)}
    ends: dict[int, int] = {}
    pending = 0
    for info in partitions:
        position = totals[info.partition]["next_offset"] if info.partition in totals else 0
        end = await _end_reaching(settings, info.partition, position)
        if position > end:
            found.add(
                Kind.CHECKPOINT,
                f"stands at offset {position}, beyond the stream's end at {end}",
                partition=info.partition,
                offset=position,
            )
        ends[info.partition] = min(position, end)
        pending += max(0, end - position)
    for partition in totals.keys() - ends.keys():
        found.add(Kind.CHECKPOINT, "there is no such partition", partition=partition)
    return Cutoffs(ends, pending, totals)


async def reached(settings: Settings, connection: asyncpg.Connection, partitions: Sequence[int]) -> dict[int, int]:
    """Return how far each partition can be read and has taken effect now. Raises as `find_cutoffs` does."""
    at = await positions(connection)
    return {p: min(at.get(p, 0), await _end_reaching(settings, p, at.get(p, 0))) for p in partitions}


async def positions(connection: asyncpg.Connection) -> dict[int, int]:
    """Return how far each partition's events have taken effect now."""
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(_POSITIONS)}


async def _end_reaching(settings: Settings, partition: int, position: int) -> int:
    stream = partition_name(settings.super_stream, partition)
    deadline = time.monotonic() + _LAG_SECONDS
    while True:
        end = await end_offset(settings.stream_url, stream)
        if end >= position or time.monotonic() > deadline:
            return end
        await asyncio.sleep(0.2)


def check_totals(cutoffs: Cutoffs, tallies: dict[int, Tally], found: Findings) -> None:
    """Compare the checkpoints' running totals with what the stream held below them.

    Which of the accepted events were parked at that moment only the checkpoint knows, so applied and parked are
    compared as a sum; that `parked` is the number of rows in the table is compared beside it.
    """
    for partition, tally in tallies.items():
        row = cutoffs.totals.get(partition)
        if row is None:
            continue
        pairs = {
            "applied + parked": (row["applied"] + row["parked"], tally.accepted),
            "duplicates": (row["duplicates"], tally.duplicates),
            "quarantined": (row["quarantined"], tally.rejected),
            "parked": (row["parked"], row["parked_rows"]),
        }
        for name, (said, counted) in pairs.items():
            if said != counted:
                found.add(Kind.CHECKPOINT, f"its total of {name} is {said}, not {counted}", partition=partition)
