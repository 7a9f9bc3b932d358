"""The group's view of one connection: active or not, from which offset, and what was delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport import standby
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Batch, Positions
from pipelines.engine.transport.chunk import chunk_of
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.filtering import EventFilter
from pipelines.engine.transport.jumps import check_position_at, explain_jump
from pipelines.engine.transport.reader import end_offset_at
from schemas.errors import StreamError, StreamUnavailable

log = logging.getLogger(__name__)

HANDOVER_SECONDS = 5.0
"""How long a demoted owner may take to finish its batch before the next owner terminates it."""

STALL_SECONDS = 30.0
"""How long an active member waits for an event that the stream has before it takes the broker for stuck."""

SUBSCRIPTION = 1

# What a demoted member answers; the broker reads no offset from it.
_NO_OFFSET = OffsetType.OFFSET


class Membership:
    """One membership, from the subscription to the loss of the connection.

    `queue` holds what was delivered, bounded by the credit, and None once the connection is dead. The broker's
    decisions wait in a queue of their own: it sends the next one only after our answer to the last.
    """

    def __init__(
        self,
        connection: Connection,
        queue: asyncio.Queue[schema.Deliver | None],
        handle: Callable[[Batch], Awaitable[None]],
        positions: Positions,
        *,
        address: Address,
        stream: str,
        partition: int,
        batch_records: int,
        only: EventFilter | None,
        on_activity: Callable[[bool], None],
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._handle = handle
        self._positions = positions
        self._address = address
        self._stream = stream
        self._partition = partition
        self._batch_records = batch_records
        self._only = only
        self._on_activity = on_activity
        self._expected = 0
        self._in_hand = 0
        self._stopping = False
        self._standby = standby.Standby(positions, address, stream, partition)
        self._updates: asyncio.Queue[schema.ConsumerUpdateResponse] = asyncio.Queue()

    def on_update(self, frame: schema.ConsumerUpdateResponse) -> None:
        """Note what the broker decided; called from the listener, which must not wait."""
        self._updates.put_nowait(frame)

    async def serve(self) -> None:
        """Alternate between the broker's decisions and our batches until something ends it."""
        update = asyncio.ensure_future(self._updates.get())
        work: asyncio.Future[None] | None = None
        closed = asyncio.ensure_future(self._connection.wait_closed())
        try:
            while True:
                events: set[asyncio.Future[Any]] = {update, closed, *([work] if work else [])}
                patience = None if work else standby.LOOK_SECONDS
                done, _ = await asyncio.wait(events, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    await self._connection.or_closed(self._standby.look())
                if work is not None and work.done():
                    work.result()
                if closed.done():
                    raise StreamUnavailable(f"{self._stream}: {closed.result()}")
                if update.done():
                    work = await self._decide(update.result(), work)
                    update = asyncio.ensure_future(self._updates.get())
        finally:
            update.cancel()
            closed.cancel()
            if work is not None:
                await self._end(work)

    async def _decide(
        self, frame: schema.ConsumerUpdateResponse, work: asyncio.Future[None] | None
    ) -> asyncio.Future[None] | None:
        self._on_activity(False)
        self._standby.forget()
        if work is not None:
            # The answer lets the broker activate the next member: the batch in hand may finish first. The next
            # member terminates what takes longer, and the epoch refuses its commit (I5).
            await self._end(work, within=HANDOVER_SECONDS)
            if not work.cancelled():
                work.result()
        if not frame.active:
            await self._positions.release(self._partition)
            self._drop_buffer()
            await self._answer(frame, schema.OffsetSpecification(_NO_OFFSET, 0))
            return None
        position = await self._connection.or_closed(self._positions.claim(self._partition))
        await self._connection.or_closed(check_position_at(self._address, self._stream, position))
        self._expected = position.offset
        self._drop_buffer()
        await self._answer(frame, schema.OffsetSpecification(OffsetType.OFFSET, self._expected))
        self._on_activity(True)
        log.info("%s: active from offset %d", self._stream, self._expected)
        self._stopping = False
        return asyncio.ensure_future(self._work())

    async def _end(self, work: asyncio.Future[None], within: float = 0.0) -> None:
        """End the work: after the batch in hand if that takes no longer than `within` seconds, else in its middle.

        A handler's cancellation may be swallowed on its way, so the work is also told not to begin another batch. And
        what it waits for may never answer, so that is abandoned first: nothing here waits for a sick database.
        """
        self._stopping = True
        if within and self._in_hand:
            await asyncio.wait({work}, timeout=within)
        if not work.done():
            self._positions.abandon(self._partition)
        work.cancel()
        await asyncio.wait({work})

    async def _work(self) -> None:
        while not self._stopping:
            deliver = await self._next()
            self._in_hand = 1
            batch, expected = await self._gather(deliver)
            if batch.chunks:
                await self._handle(batch)
            self._expected = expected
            self._connection.credit(SUBSCRIPTION, self._in_hand)
            self._in_hand = 0

    async def _next(self) -> schema.Deliver:
        """Return the next delivery. All credit is with the broker while this waits.

        Raises:
            StreamUnavailable: the connection died; or the broker is stuck, that is, it delivered nothing for
                `STALL_SECONDS` although the stream had more. With a filter, that may be nothing of ours.
        """
        end = None
        while True:
            try:
                async with asyncio.timeout(STALL_SECONDS if self._only is None else None):
                    deliver = await self._queue.get()
            except TimeoutError:
                if end is not None and end > self._expected:
                    raise StreamUnavailable(
                        f"{self._stream}: stalled; events up to offset {end} are there, but none from "
                        f"{self._expected} on was delivered for {STALL_SECONDS:g} s"
                    ) from None
                end = await self._end_of_stream()
                continue
            if deliver is None:
                raise StreamUnavailable(f"{self._stream}: {await self._connection.wait_closed()}")
            return deliver

    async def _end_of_stream(self) -> int | None:
        try:
            return await self._connection.or_closed(end_offset_at(self._address, self._stream))
        except StreamError as error:
            # A look that fails proves nothing of our own connection, which has its own watchdog.
            log.info("%s: nothing delivered for %g s; no look at its end: %s", self._stream, STALL_SECONDS, error)
            return None

    async def _gather(self, first: schema.Deliver) -> tuple[Batch, int]:
        """Join what is there already into one batch, counting the chunks it takes; also return where it ends."""
        batch = Batch(self._partition, self._expected, [])
        expected, records = self._expected, 0
        deliver: schema.Deliver | None = first
        while deliver is not None:
            chunk = chunk_of(deliver, self._partition)
            if chunk.first_offset > expected and self._only is None:
                await explain_jump(self._connection, self._address, self._stream, expected, chunk.first_offset)
            part = chunk.within(expected)
            for wanted in self._only.apply(part) if self._only is not None else [part]:
                if wanted.records:
                    batch.chunks.append(wanted)
                    records += len(wanted.records)
            expected = max(expected, chunk.end_offset)
            more = records < self._batch_records and not self._queue.empty()
            deliver = self._queue.get_nowait() if more else None
            self._in_hand += deliver is not None
        return batch, expected

    def _drop_buffer(self) -> None:
        """Forget what was delivered for the position before, also a batch given up, and give the credit back."""
        dropped, self._in_hand = self._in_hand, 0
        while not self._queue.empty():
            dropped += self._queue.get_nowait() is not None
        if dropped:
            self._connection.credit(SUBSCRIPTION, dropped)

    async def _answer(self, frame: schema.ConsumerUpdateResponse, specification: schema.OffsetSpecification) -> None:
        await self._connection.request(lambda client: client.consumer_update(frame.correlation_id, specification))
