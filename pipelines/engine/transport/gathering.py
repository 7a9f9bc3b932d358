"""From deliveries to batches: what is there already is joined, and cut where a batch is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import accumulate

from rstream import schema

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Batch
from pipelines.engine.transport.chunk import Chunk, chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.credit import Credit
from pipelines.engine.transport.filtering import EventFilter
from pipelines.engine.transport.jumps import explain_jump
from pipelines.engine.transport.reader import chunk_at

BATCH_BYTES = 4 * 1024 * 1024
"""A batch holds at most so many bytes of records, or one record that is larger."""


class Gathering:
    """Makes one membership's batches. `queue` is where its deliveries wait; None comes last, when the line is dead."""

    def __init__(
        self,
        connection: Connection,
        queue: asyncio.Queue[schema.Deliver | None],
        credit: Credit,
        *,
        address: Address,
        stream: str,
        partition: int,
        batch_records: int,
        only: EventFilter | None,
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._credit = credit
        self._address = address
        self._stream = stream
        self._partition = partition
        self._batch_records = batch_records
        self._only = only
        self._chunk: Chunk | None = None  # the chunk in hand, opened

    async def ready(self) -> bool:
        """Wait until there is something to make a batch of. False: the connection is dead."""
        return self._chunk is not None or await self._open(await self._queue.get())

    async def batch(self, expected: int, make_way: Callable[[], None]) -> tuple[Batch, int]:
        """Return a batch of what is there, from offset `expected` on, and where it ends. To be called when ready.

        With a filter the batch may be empty, and end nevertheless behind records that were looked at.

        Raises:
            EventsLost, StreamUnavailable: there is a hole between `expected` and what was delivered.
        """
        batch = Batch(self._partition, expected, [], make_way)
        records, size = self._batch_records, BATCH_BYTES
        while self._chunk is not None:
            chunk = self._chunk
            if chunk.first_offset > expected and self._only is None:
                await explain_jump(self._connection, self._address, self._stream, expected, chunk.first_offset)
            part = chunk.within(expected)
            fit = _fitting(part.records[:records], size, at_least=0 if batch.chunks else 1)
            piece = part.within(part.first_offset, part.first_offset + fit)
            for wanted in self._only.apply(piece) if self._only is not None else [piece]:
                if wanted.records:
                    batch.chunks.append(wanted)
                    records -= len(wanted.records)
                    size -= sum(map(len, wanted.records))
            expected = max(expected, piece.end_offset)
            if expected < chunk.end_offset:
                break
            self._chunk = None
            if records > 0 and size > 0 and not self._queue.empty():
                await self._open(self._queue.get_nowait())
        return batch, expected

    def done(self) -> None:
        """The last batch is done: let more come in the place of its chunks."""
        self._credit.worked_off(keeping=self._chunk is not None)

    def drop(self) -> None:
        """Forget what was delivered, also a batch given up, and let as much come anew."""
        self._chunk = None
        dropped = 0
        while not self._queue.empty():
            dropped += self._queue.get_nowait() is not None
        self._credit.worked_off(dropped=dropped)

    async def _open(self, deliver: schema.Deliver | None) -> bool:
        if deliver is None:
            self._queue.put_nowait(None)  # it comes last, whoever asks
            return False
        self._credit.taken(deliver.data_length)
        if not deliver.data:
            reading = chunk_at(self._address, self._stream, deliver.chunk_first_offset)
            deliver = await self._connection.or_closed(reading)
        self._chunk = chunk_of(deliver, self._partition)
        return True


def _fitting(records: list[bytes], size: int, *, at_least: int) -> int:
    """Return how many of the records have at most so many bytes together, but `at_least` so many."""
    if sum(map(len, records)) <= size:
        return len(records)
    return max(at_least, sum(total <= size for total in accumulate(map(len, records))))
