"""A chunk: the unit in which a stream is stored, delivered and, here, worked on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.engine.transport.subentries import unpack
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
        StreamUnavailable: the chunk does not hold what its header says, or is compressed in a way that cannot be
            read here. Nothing of it may be used.
    """
    first = deliver.chunk_first_offset
    try:
        records = _records(deliver.data, deliver.num_entries)
    except (ValueError, IndexError) as error:
        raise StreamUnavailable(f"chunk at offset {first} is unreadable: {error}") from error
    if len(records) != deliver.num_records:
        raise StreamUnavailable(f"chunk at offset {first} holds {len(records)} records, not {deliver.num_records}")
    return Chunk(partition, first, recorded_at(deliver), records)


def recorded_at(deliver: Any) -> datetime:
    """Return when the broker wrote the chunk in a Deliver frame; to the millisecond, so that equal is equal."""
    return datetime.fromtimestamp(deliver.timestamp / 1000, UTC)


def _records(data: bytes, entries: int) -> list[bytes]:
    records: list[bytes] = []
    position, end = 0, len(data)
    for _ in range(entries):
        if data[position] & 0x80:
            position = unpack(data, position, records)
            continue
        start = position + 4
        position = start + int.from_bytes(data[position:start], "big")
        records.append(data[start:position])
    if position != end:
        raise ValueError(f"its entries take {position} bytes, and it has {end}")
    return records
