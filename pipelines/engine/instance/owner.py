"""A partition's owner: one connection, one epoch, one batch at a time; retries until the batch is in or is not ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

import asyncpg

from pipelines.engine.instance.batch import Decision, decide, remember, take_effect
from pipelines.engine.instance.intake import take_in
from pipelines.engine.instance.memory import Memory
from pipelines.engine.instance.projection import Arrived, Projection
from pipelines.engine.instance.storm import StormWatch
from pipelines.engine.stores import checkpoints, ledger
from pipelines.engine.stores.checkpoints import Claim
from pipelines.engine.stores.postgres import BY_KEY, CONNECTION_LOST, DATABASE_ERRORS, TRY_AGAIN, connect
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.telemetry import metrics
from pipelines.engine.transport import Batch, Position
from schemas.errors import Fenced, told

log = logging.getLogger(__name__)

S = TypeVar("S")
E = TypeVar("E")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0


class Owner(Generic[S, E]):
    """Commits one partition's batches for one pipeline instance."""

    def __init__(
        self,
        dsn: str,
        schema: str,
        instance: str,
        partition: int,
        partitions: int,
        projection: Projection[S, E],
        storm: StormWatch,
    ) -> None:
        self._dsn = dsn
        self._schema = schema
        self._instance = instance
        self._partition = partition
        self._partitions = partitions
        self._projection = projection
        self._storm = storm
        self._memory: Memory[S] = Memory()
        self._connection: asyncpg.Connection | None = None
        self._held: Claim | None = None
        self.trouble: str | None = None
        """Why the batch in hand cannot commit right now; None while all is well."""

    @property
    def holds(self) -> bool:
        """Whether this owner has claimed the partition and was not fenced since."""
        return self._held is not None

    async def claim(self, owner: str) -> Position:
        """Take the partition over under a new connection and epoch; return where it goes on.

        Raises whatever the database does: the broker's time limit is running, so the caller joins the group again.
        """
        await self.let_go()
        self._connection = await self._connect()
        held = await checkpoints.claim(self._connection, self._partition, owner)
        await self._projection.begin(self._connection)
        self._held = held
        return Position(held.next_offset, held.recorded_at)

    async def commit(self, batch: Batch) -> Decision[S, E] | None:
        """Let the batch take effect once, however often the database fails meanwhile; return what it did.

        None: it took effect, but the connection was lost at the commit, so what it did is known to the database only.

        Raises:
            Fenced: another owner has the partition; nothing of the batch took effect here.
            ParkingStorm: the code seems broken; nothing of the batch took effect.
            ValueError: the driver cannot write what the projection gave it; nothing of the batch took effect.
        """
        started = time.monotonic()
        good, bad = await take_in(batch, self._projection.parse, self._partitions)
        pause = _FIRST_PAUSE
        while True:
            try:
                held = await self._hold()
                if held.next_offset == batch.end_offset:
                    self._memory.clear()
                    self.trouble = None
                    return None
                done = await self._attempt(held, batch, good, bad)
            except Fenced:
                await self.let_go()
                raise
            except asyncio.CancelledError:
                # Nothing is known of the transaction; whoever goes on asks the checkpoint, and the orders anew.
                self._drop_connection()
                self._memory.clear()
                raise
            except ValueError:
                raise  # a value the driver cannot write: a defect of ours that no second try mends
            except DATABASE_ERRORS as error:
                self._memory.clear()  # so that a second try asks for all there is to know
                if isinstance(error, CONNECTION_LOST):
                    self._drop_connection()
                if_cancelled()
                batch.make_way()  # whatever keeps this batch need not keep others
                self.trouble = told(_first(error))
                metrics.RETRIES.labels(self._instance, type(error).__name__).inc()
                if not isinstance(error, TRY_AGAIN) or pause > _FIRST_PAUSE:
                    log.warning("partition %d: %s; trying again in %.2f s", self._partition, self.trouble, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self.trouble = None
                metrics.BATCHES.labels(self._instance).observe(time.monotonic() - started)
                return done

    async def snapshot(self) -> tuple[asyncpg.Connection, Claim]:
        """Return the connection and what is held, for reads between batches. Raises Fenced, or as the database does."""
        held = await self._hold()
        assert self._connection is not None
        return self._connection, held

    def abandon(self) -> None:
        """Cut the connection, so that whoever waits for it wakes. Idempotent."""
        self._drop_connection()

    async def let_go(self) -> None:
        """Forget the partition and close the connection. Idempotent; safe before `claim`."""
        self._held = None
        self._memory.clear()  # we may be part of a cycle, which nobody looks for soon
        self._storm.leave(self._partition)
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    async def _attempt(
        self, held: Claim, batch: Batch, good: Sequence[Arrived], bad: Sequence[QuarantineRow]
    ) -> Decision[S, E]:
        connection = self._connection
        assert connection is not None
        await self._projection.prepare(connection, [chunk.recorded_at for chunk in batch.chunks])
        decision = await decide(connection, self._projection, batch.partition, good, bad, self._memory)
        orders, newly_stopped = decision.orders.values(), len(decision.parking.newly_stopped)
        self._storm.judge(orders, newly_stopped, decision.parking.last_reason)
        await take_effect(connection, self._projection, held, batch, decision)
        self._held = Claim(held.partition, held.epoch, batch.end_offset, batch.recorded_at)
        self._storm.count(held.partition, orders, newly_stopped)
        remember(self._memory, decision)
        return decision

    async def _hold(self) -> Claim:
        """What is held, under a live connection: after a loss, only if nobody has taken over meanwhile."""
        if self._held is None:
            raise Fenced(self._partition, -1)
        if self._connection is None or self._connection.is_closed():
            connection = await self._connect()
            try:
                self._held = await checkpoints.reclaim(connection, self._held)
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._held

    async def _connect(self) -> asyncpg.Connection:
        application = f"warren {self._instance} {self._partition}"
        row_types = (*ledger.ROW_TYPES, *self._projection.row_types)
        return await connect(self._dsn, self._schema, application=application, planning=BY_KEY, row_types=row_types)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _first(error: BaseException) -> BaseException:
    """Of an error that came while an earlier one was dealt with, the earlier."""
    while error.__cause__ is None and isinstance(error.__context__, DATABASE_ERRORS):
        error = error.__context__
    return error


def if_cancelled() -> None:
    """Raise the cancellation that an error of a dying connection, in a ROLLBACK say, has taken the place of."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
