"""A chunk: the unit in which a stream is stored, delivered and, here, worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.errors import StreamUnavailable


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one partition. `records[i]` is the AMQP message at `first_offset + i`.

    `recorded_at` is when the broker wrote the chunk (UTC, milliseconds).
    """

    partition: int
    first_offset: int
    recorded_at: datetime
    records: list[bytes]

    @property
    def end_offset(self) -> int:
        """The offset after the last record."""
        return self.first_offset + len(self.records)

    def within(self, first: int, end: int | None = None) -> Chunk:
        """Return the part of the chunk in [`first`, `end`); it may be empty."""
        low = max(first - self.first_offset, 0)
        high = len(self.records) if end is None else max(end - self.first_offset, 0)
        if low == 0 and high >= len(self.records):
            return self
        return Chunk(self.partition, self.first_offset + low, self.recorded_at, self.records[low:high])


def chunk_of(deliver: Any, partition: int) -> Chunk:
    """Return the chunk in a Deliver frame, sub-entries unpacked, so that every record has its offset.

    Raises:
        StreamUnavailable: the chunk does not hold what its header says. Nothing of it may be used.
    """
    try:
        records = deliver.get_messages()
    except Exception as error:
        raise StreamUnavailable(f"chunk at offset {deliver.chunk_first_offset} is unreadable: {error}") from error
    if len(records) != deliver.num_records:
        raise StreamUnavailable(
            f"chunk at offset {deliver.chunk_first_offset} holds {len(records)} records, not {deliver.num_records}"
        )
    recorded_at = datetime.fromtimestamp(deliver.timestamp / 1000, UTC)
    return Chunk(partition, deliver.chunk_first_offset, recorded_at, records)
