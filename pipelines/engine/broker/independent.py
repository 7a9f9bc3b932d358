"""A partition as one process reads it by itself, without a group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from pipelines.engine.broker.config import OnError
from pipelines.engine.broker.offsets import Offset
from pipelines.engine.broker.partition import Partition, Work
from pipelines.engine.transport import (
    Batch,
    Chunk,
    EventFilter,
    Position,
    Turns,
    check_position,
    end_offset,
    first_offset,
    read_stream,
)
from schemas.errors import StreamError, StreamUnavailable

log = logging.getLogger(__name__)


class IndependentPartition(Partition):
    """A partition read by itself: the position is in memory, and a lost connection does not lose it."""

    def __init__(
        self,
        number: int,
        url: str,
        stream: str,
        *,
        offset: Offset,
        batch_records: int,
        turns: Turns,
        only: EventFilter | None,
        work: Work,
        on_error: OnError,
        stall_after: float,
    ) -> None:
        super().__init__(number, stream, work=work, on_error=on_error, stall_after=stall_after)
        self._url = url
        self._offset = offset
        self._batch_records = batch_records
        self._turns = turns
        self._only = only
        self._joined = False
        self._read: Position | None = None
        """The end of the last chunk that came: by it the stream is known again."""

    @property
    def joined(self) -> bool:
        """Whether the stream is being read."""
        return self._joined

    async def _join(self, handle: Callable[[Batch], Awaitable[None]]) -> None:
        if self.position is None:
            self.position = await self._offset.resolve(self._url, self.stream)
        position = self.position
        # Either raises where the broker or the stream is away, before we say that we have joined.
        if self._read is None:
            await first_offset(self._url, self.stream)
        else:
            await check_position(self._url, self.stream, self._read)
        self._joined = True
        try:
            async with aclosing(read_stream(self._url, self.stream, position, only=self._only)) as chunks:
                while True:
                    chunk = await self._next(chunks)
                    self._read = Position(chunk.end_offset, chunk.recorded_at)
                    while position < chunk.end_offset:
                        part = chunk.within(position, max(position, chunk.first_offset) + self._batch_records)
                        async with self._turns.taken() as make_way:
                            await handle(Batch(self.number, position, [part], make_way))
                        position = part.end_offset
        finally:
            self._joined = False

    async def _next(self, chunks: AsyncGenerator[Chunk, None]) -> Chunk:
        """Return the next chunk. Raises StreamUnavailable where there is one that the broker does not send."""
        coming = asyncio.ensure_future(anext(chunks))
        try:
            while not (await asyncio.wait({coming}, timeout=self._stall_after))[0]:
                if self._only is None and (end := await self._end()) > (self.position or 0):
                    raise StreamUnavailable(
                        f"{self.stream}: stalled; nothing from offset {self.position} on came for "
                        f"{self._stall_after:g} s, though there is more up to {end}"
                    )
            return coming.result()
        finally:
            coming.cancel()
            await asyncio.wait({coming})

    async def _end(self) -> int:
        try:
            return await end_offset(self._url, self.stream)
        except StreamError as error:
            log.info("%s: nothing came for %g s; no look at its end: %s", self.stream, self._stall_after, error)
            return 0
