"""One member of a consumer group on one partition: the owner's half of exactly once.

The broker decides which member of the group is active (single active consumer). The position is ours alone: on
activation it is asked of `Positions`, which takes the partition over from a former owner, and it is never stored in
the broker. Credit goes back after a batch is done, so a slow database slows the reader and memory stays flat. Each
chunk must begin where the last one ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.chunk import Chunk, chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.reader import end_offset_at, first_event_at
from schemas.errors import EventsLost, StreamUnavailable

log = logging.getLogger(__name__)

CREDIT = 16
"""Chunks of one partition that may be on their way or in memory at once."""

HANDOVER_SECONDS = 5.0
"""How long a demoted owner may take to finish its batch before the next owner terminates it."""

_SUBSCRIPTION = 1

# Put into the queue of deliveries to wake a member that is about to be demoted.
_WAKE = None

# What a demoted member answers; the broker reads no offset from it.
_NO_OFFSET = OffsetType.OFFSET


class Positions(Protocol):
    """Who owns a partition and from which offset it goes on; kept where the events take effect."""

    async def claim(self, partition: int) -> int:
        """Take the partition over from whoever had it and return the offset to go on from."""
        ...

    def abandon(self, partition: int) -> None:
        """Give up what is under way for the partition, at once and without waiting for anything. Idempotent."""
        ...

    async def release(self, partition: int) -> None:
        """Let the partition go; another member may have it now. Idempotent, safe before `claim`."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive chunks of one partition, no event missing between them, at least one record in all.

    `first_offset` is where the batch before ended; the first record may lie behind it, where offsets hold no events.
    """

    partition: int
    first_offset: int
    chunks: list[Chunk]

    @property
    def end_offset(self) -> int:
        """The offset after the last record."""
        return self.chunks[-1].end_offset

    def __len__(self) -> int:
        return sum(len(chunk.records) for chunk in self.chunks)


class GroupConsumer:
    """Membership in a group on one partition, over one connection; made anew after each loss."""

    def __init__(
        self,
        address: Address,
        stream: str,
        *,
        partition: int,
        super_stream: str,
        group: str,
        positions: Positions,
        batch_records: int,
    ) -> None:
        self._address = address
        self._stream = stream
        self._partition = partition
        self._super_stream = super_stream
        self._group = group
        self._positions = positions
        self._batch_records = batch_records
        self.joined = False
        """Whether the group has this member, active or standing by."""
        self.active = False
        """Whether the broker has made this member the partition's owner."""

    async def run(self, handle: Callable[[Batch], Awaitable[None]]) -> None:
        """Join the group and give each batch to `handle`, one at a time and in order, until cancelled.

        A batch whose handling raises is not credited and nothing after it is handled. Cancelling waits for nothing:
        the transaction decides whether the batch in hand took effect.

        Raises:
            StreamUnavailable: the connection was lost; join again after a pause.
            StreamMissing, EventsLost: joining again will not help.
            Exception: whatever `handle` or `Positions.claim` raised.
        """
        name = f"warren {self._group} {self._stream}"
        connection = await connect_to(self._address, self._stream, name, leader=False)
        membership = _Membership(connection, self, self._address, self._stream, self._partition)
        try:
            connection.on(schema.ConsumerUpdateResponse, membership.on_update)
            membership.queue = connection.deliveries(_SUBSCRIPTION)
            properties = {
                "single-active-consumer": "true",
                "name": self._group,
                "super-stream": self._super_stream,
            }
            spec = schema.OffsetSpec(OffsetType.NEXT)  # never used: the answer to the broker's update decides
            await connection.request(
                lambda client: client.subscribe(self._stream, _SUBSCRIPTION, spec, CREDIT, properties)
            )
            self.joined = True
            await membership.serve(handle, self._positions, self._batch_records)
        finally:
            self.joined = self.active = False
            await self._positions.release(self._partition)
            await connection.close()


class _Membership:
    """The group's view of one connection: active or not, from which offset, and what was delivered."""

    def __init__(
        self, connection: Connection, owner: GroupConsumer, address: Address, stream: str, partition: int
    ) -> None:
        self._connection = connection
        self._owner = owner
        self._address = address
        self._stream = stream
        self._partition = partition
        self._expected = 0
        self._in_hand = 0
        self._stopping = False
        self._updates: asyncio.Queue[schema.ConsumerUpdateResponse] = asyncio.Queue()
        self.queue: asyncio.Queue[schema.Deliver | None] = asyncio.Queue()

    def on_update(self, frame: schema.ConsumerUpdateResponse) -> None:
        """Note what the broker decided; called from the listener, which must not wait."""
        self._updates.put_nowait(frame)

    async def serve(self, handle: Callable[[Batch], Awaitable[None]], positions: Positions, batch_records: int) -> None:
        """Alternate between the broker's decisions and our batches until something ends it."""
        update = asyncio.ensure_future(self._updates.get())
        work: asyncio.Future[None] | None = None
        closed = asyncio.ensure_future(self._connection.wait_closed())
        try:
            while True:
                events: set[asyncio.Future[Any]] = {update, closed, *([work] if work else [])}
                await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
                if work is not None and work.done():
                    work.result()
                if closed.done():
                    raise StreamUnavailable(f"{self._stream}: {closed.result()}")
                if update.done():
                    work = await self._decide(update.result(), work, handle, positions, batch_records)
                    update = asyncio.ensure_future(self._updates.get())
        finally:
            update.cancel()
            closed.cancel()
            if work is not None:
                await self._end(work, positions)

    async def _decide(
        self,
        frame: schema.ConsumerUpdateResponse,
        work: asyncio.Future[None] | None,
        handle: Callable[[Batch], Awaitable[None]],
        positions: Positions,
        batch_records: int,
    ) -> asyncio.Future[None] | None:
        self._owner.active = False
        if work is not None:
            # The answer lets the broker activate the next member: the batch in hand may finish first. The next
            # member terminates what takes longer, and the epoch refuses its commit (I5).
            await self._end(work, positions, within=HANDOVER_SECONDS)
            if not work.cancelled():
                work.result()
        if not frame.active:
            await positions.release(self._partition)
            await self._drop_buffer()
            await self._answer(frame, schema.OffsetSpecification(_NO_OFFSET, 0))
            return None
        self._expected = await self._connection.or_closed(positions.claim(self._partition))
        await self._check_position()
        await self._drop_buffer()
        await self._answer(frame, schema.OffsetSpecification(OffsetType.OFFSET, self._expected))
        self._owner.active = True
        log.info("%s: active from offset %d", self._stream, self._expected)
        self._stopping = False
        return asyncio.ensure_future(self._work(handle, batch_records))

    async def _end(self, work: asyncio.Future[None], positions: Positions, within: float = 0.0) -> None:
        """End the work: after the batch in hand if that takes no longer than `within` seconds, else in its middle.

        A handler's cancellation may be swallowed on its way, so the work is also told not to begin another batch. And
        what it waits for may never answer, so that is abandoned first: nothing here waits for a sick database.
        """
        self._stopping = True
        self.queue.put_nowait(_WAKE)
        if within:
            await asyncio.wait({work}, timeout=within)
        if not work.done():
            positions.abandon(self._partition)
        work.cancel()
        await asyncio.wait({work})

    async def _work(self, handle: Callable[[Batch], Awaitable[None]], batch_records: int) -> None:
        while True:
            deliver = await self.queue.get()
            if self._stopping or deliver is _WAKE:
                await self._credit(0 if deliver is _WAKE else 1)
                return
            self._in_hand = 1
            batch = await self._gather(deliver, batch_records)
            if batch.chunks:
                await handle(batch)
                self._expected = batch.end_offset
            await self._credit(self._in_hand)
            self._in_hand = 0

    async def _gather(self, first: schema.Deliver, batch_records: int) -> Batch:
        """Join what is there already into one batch, counting the chunks it takes."""
        batch = Batch(self._partition, self._expected, [])
        expected, records = self._expected, 0
        deliver: schema.Deliver | None = first
        while deliver is not None:
            chunk = chunk_of(deliver, self._partition)
            if chunk.first_offset > expected:
                await self._explain_jump(expected, chunk.first_offset)
            part = chunk.within(max(expected, chunk.first_offset))
            if part.records:
                batch.chunks.append(part)
                expected = part.end_offset
                records += len(part.records)
            more = records < batch_records and not self._stopping and not self.queue.empty()
            deliver = self.queue.get_nowait() if more else None
            self._in_hand += deliver is not _WAKE
        return batch

    async def _explain_jump(self, expected: int, found: int) -> None:
        """Refuse a jump over events; accept one over offsets that never held any (a tracking chunk)."""
        first = (await self._connection.stats(self._stream))["first_chunk_id"]
        if first > expected:
            raise EventsLost(self._stream, expected, first)
        if await first_event_at(self._address, self._stream, expected) < found:
            raise StreamUnavailable(f"{self._stream}: the broker skipped from offset {expected} to {found}")
        log.info("%s: offsets %d to %d hold no events (tracking)", self._stream, expected, found - 1)

    async def _check_position(self) -> None:
        """Refuse a position retention has passed, or one beyond the stream's end: it is not the stream we knew."""
        first = (await self._connection.stats(self._stream))["first_chunk_id"]
        if first > self._expected:
            raise EventsLost(self._stream, self._expected, first)
        if self._expected > 0:
            end = await self._connection.or_closed(end_offset_at(self._address, self._stream))
            if end < self._expected:
                raise EventsLost(self._stream, self._expected, end)

    async def _drop_buffer(self) -> None:
        """Forget what was delivered for the position before, also a batch given up, and give the credit back."""
        dropped, self._in_hand = self._in_hand, 0
        while not self.queue.empty():
            dropped += self.queue.get_nowait() is not _WAKE
        await self._credit(dropped)

    async def _credit(self, chunks: int) -> None:
        if chunks:
            await self._connection.request(lambda client: client.credit(_SUBSCRIPTION, chunks))

    async def _answer(self, frame: schema.ConsumerUpdateResponse, specification: schema.OffsetSpecification) -> None:
        await self._connection.request(lambda client: client.consumer_update(frame.correlation_id, specification))
