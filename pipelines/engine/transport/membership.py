"""The group's view of one connection: active or not, from which offset, and what was delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport import standby
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Batch, Positions
from pipelines.engine.transport.connection import Connection
from pipelines.engine.transport.gathering import Gathering
from pipelines.engine.transport.jumps import check_position_at
from pipelines.engine.transport.reader import end_offset_at
from pipelines.engine.transport.turns import Turns
from schemas.errors import StreamError, StreamUnavailable

log = logging.getLogger(__name__)

HANDOVER_SECONDS = 5.0
"""How long a demoted owner may take to finish its batch before the next owner terminates it."""

STALL_SECONDS = 30.0
"""How long an active member waits for an event that the stream has before it takes the broker for stuck."""

SUBSCRIPTION = 1

# What a demoted member answers; the broker reads no offset from it.
_NO_OFFSET = OffsetType.OFFSET


class Role(Enum):
    """What a member is to its group."""

    STANDBY = auto()
    CLAIMING = auto()
    """The broker has made it the owner; it has not taken the partition over yet."""
    ACTIVE = auto()


class Membership:
    """One membership, from the subscription to the loss of the connection.

    The broker's decisions wait in a queue of their own: it sends the next one only after our answer to the last.
    `complete` says that every event is delivered, so that nothing is a sign of something wrong. A batch is made of what
    is there when its turn has come.
    """

    def __init__(
        self,
        connection: Connection,
        gathering: Gathering,
        handle: Callable[[Batch], Awaitable[None]],
        positions: Positions,
        *,
        address: Address,
        stream: str,
        partition: int,
        complete: bool,
        turns: Turns,
        on_role: Callable[[Role], None],
    ) -> None:
        self._connection = connection
        self._gathering = gathering
        self._handle = handle
        self._positions = positions
        self._address = address
        self._stream = stream
        self._partition = partition
        self._complete = complete
        self._turns = turns
        self._on_role = on_role
        self._expected = 0
        self._busy = False
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
        self._on_role(Role.STANDBY)
        self._standby.forget()
        if work is not None:
            # The answer lets the broker activate the next member: the batch in hand may finish first. The next
            # member terminates what takes longer, and the epoch refuses its commit (I5).
            await self._end(work, within=HANDOVER_SECONDS)
            if not work.cancelled():
                work.result()
        if not frame.active:
            await self._positions.release(self._partition)
            self._gathering.drop()
            await self._answer(frame, schema.OffsetSpecification(_NO_OFFSET, 0))
            return None
        self._on_role(Role.CLAIMING)
        position = await self._connection.or_closed(self._positions.claim(self._partition))
        await self._connection.or_closed(check_position_at(self._address, self._stream, position))
        self._expected = position.offset
        self._gathering.drop()
        await self._answer(frame, schema.OffsetSpecification(OffsetType.OFFSET, self._expected))
        self._on_role(Role.ACTIVE)
        log.info("%s: active from offset %d", self._stream, self._expected)
        self._stopping = self._busy = False
        return asyncio.ensure_future(self._work())

    async def _end(self, work: asyncio.Future[None], within: float = 0.0) -> None:
        """End the work: after the batch in hand if that takes no longer than `within` seconds, else in its middle.

        A handler's cancellation may be swallowed on its way, so the work is also told not to begin another batch. And
        what it waits for may never answer, so that is abandoned first: nothing here waits for a sick database.
        """
        self._stopping = True
        if within and self._busy:
            await asyncio.wait({work}, timeout=within)
        if not work.done():
            self._positions.abandon(self._partition)
        work.cancel()
        await asyncio.wait({work})

    async def _work(self) -> None:
        while not self._stopping:
            await self._ready()
            async with self._turns.taken() as make_way:
                if self._stopping:
                    return
                self._busy = True
                batch, expected = await self._gathering.batch(self._expected, make_way)
                if batch.chunks:
                    await self._handle(batch)
            self._expected = expected
            self._gathering.done()
            self._busy = False

    async def _ready(self) -> None:
        """Wait for a delivery. All credit is with the broker meanwhile.

        Raises:
            StreamUnavailable: the connection died; or the broker is stuck, that is, it delivered nothing for
                `STALL_SECONDS` although the stream had more. With a filter, that may be nothing of ours.
        """
        end = None
        while True:
            try:
                async with asyncio.timeout(STALL_SECONDS if self._complete else None):
                    alive = await self._gathering.ready()
            except TimeoutError:
                if end is not None and end > self._expected:
                    raise StreamUnavailable(
                        f"{self._stream}: stalled; events up to offset {end} are there, but none from "
                        f"{self._expected} on was delivered for {STALL_SECONDS:g} s"
                    ) from None
                end = await self._end_of_stream()
                continue
            if not alive:
                raise StreamUnavailable(f"{self._stream}: {await self._connection.wait_closed()}")
            return

    async def _end_of_stream(self) -> int | None:
        try:
            return await self._connection.or_closed(end_offset_at(self._address, self._stream))
        except StreamError as error:
            # A look that fails proves nothing of our own connection, which has its own watchdog.
            log.info("%s: nothing delivered for %g s; no look at its end: %s", self._stream, STALL_SECONDS, error)
            return None

    async def _answer(self, frame: schema.ConsumerUpdateResponse, specification: schema.OffsetSpecification) -> None:
        await self._connection.request(lambda client: client.consumer_update(frame.correlation_id, specification))
