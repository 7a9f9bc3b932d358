"""Read a partition into the world, by the audit's own classification of each message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from pipelines.audit.digests import customers_in, digest_of
from pipelines.audit.messages import Event, Rejected, read_message
from pipelines.audit.world import Record, Tally, World
from pipelines.engine.settings import Settings
from pipelines.engine.transport import body_of, read_stream
from schemas.errors import EventRejected, Reason
from schemas.streams import partition_name, partition_of

_AT_ONCE, _AT_ONCE_BYTES = 4000, 16 * 1024 * 1024
"""Records taken into the world in one go: so many, or so many bytes of them."""


async def read_partition(
    settings: Settings,
    world: World,
    partition: int,
    partitions: int,
    first_offset: int,
    end: int,
    advance: Callable[[int], None],
) -> Tally:
    """Take the partition's records in [`first_offset`, `end`) into the world and return what they were.

    `advance` is told how many records were read, as it goes. Raises as `read_stream` does.
    """
    tally = Tally()
    waiting: list[Record] = []
    size = 0

    def flush() -> None:
        world.take(partition, waiting, tally)
        advance(len(waiting))
        waiting.clear()

    stream = partition_name(settings.super_stream, partition)
    async for chunk in read_stream(settings.stream_url, stream, first_offset, end):
        waiting += _records(chunk.records, chunk.first_offset, chunk.recorded_at, partition, partitions)
        size += sum(map(len, chunk.records))
        if len(waiting) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
            flush()
            size = 0
    flush()
    return tally


def _records(
    raw: Sequence[bytes], first_offset: int, recorded_at: datetime, partition: int, partitions: int
) -> list[Record]:
    records = []
    for offset, record in enumerate(raw, first_offset):
        body = record
        message: Event | Rejected
        try:
            body = body_of(record)
        except EventRejected as error:
            message = Rejected(Reason.UNPARSABLE, error.detail)
        else:
            message = _at_home(read_message(body), partition, partitions)
        records.append(Record(offset, recorded_at, digest_of(body), customers_in(body), message))
    return records


def _at_home(message: Event | Rejected, partition: int, partitions: int) -> Event | Rejected:
    """An event counts only in its order's home partition."""
    if isinstance(message, Event):
        home = partition_of(message.order_id, partitions)
        if home != partition:
            return Rejected(Reason.MISROUTED, f"belongs in partition {home}", message.order_id, message.event_id)
    return message
