"""A running pipeline instance: partitions claimed, batches committed, the hot cache kept in step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipelines.engine.instance.batch import Decision
from pipelines.engine.instance.owner import Owner, if_cancelled
from pipelines.engine.instance.projection import Projection
from pipelines.engine.instance.showing import Showing
from pipelines.engine.instance.storm import StormWatch
from pipelines.engine.stores import checkpoints
from pipelines.engine.stores.cache import Cache
from pipelines.engine.stores.checkpoints import Tally
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.postgres import DATABASE_ERRORS, connect
from pipelines.engine.telemetry import metrics
from pipelines.engine.transport import Batch, Position
from schemas.errors import Fenced, StoreUnavailable, told

log = logging.getLogger(__name__)

S = TypeVar("S")
E = TypeVar("E")

_CHECK_SECONDS = 1.0


@dataclass(slots=True)
class _Partition(Generic[S, E]):
    """A partition we own. `busy` is held by whoever uses the owner's connection; `look` wakes the keeper."""

    owner: Owner[S, E]
    showing: Showing
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    look: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None


class PipelineInstance(Generic[S, E]):
    """The `Positions` of a consumer group and the handler of its batches. Stop it after the broker."""

    def __init__(
        self,
        name: InstanceName,
        projection: Projection[S, E],
        *,
        dsn: str,
        partitions: int,
        cache: Cache,
        owner_name: str,
    ) -> None:
        self.name = name
        self._dsn = dsn
        self._projection = projection
        self._cache = cache
        self._owner_name = owner_name
        storm = StormWatch()
        self._make_owner: Callable[[int], Owner[S, E]] = lambda partition: Owner(
            dsn, name.schema, str(name), partition, partitions, projection, storm
        )
        self._partitions: dict[int, _Partition[S, E]] = {}
        self._ended = {what: metrics.EVENTS.labels(str(name), what) for what in Tally.__dataclass_fields__}

    async def stop(self) -> None:
        """Let go of everything. Idempotent."""
        for partition in list(self._partitions):
            await self.release(partition)

    async def claim(self, partition: int) -> Position:
        """Take a partition over from whoever had it; return where it goes on.

        Raises:
            StoreUnavailable: the database did not answer, or refused.
            Fenced: this process was frozen meanwhile, and another one has taken the partition.
        """
        held = self._partitions.get(partition)
        if held is None:
            showing = Showing(self._cache, str(self.name), partition)
            held = self._partitions[partition] = _Partition(self._make_owner(partition), showing)
            held.keeper = asyncio.create_task(
                self._keep_showing(partition, held), name=f"{self.name} {partition} cache"
            )
        async with held.busy:
            try:
                position = await held.owner.claim(self._owner_name)
            except DATABASE_ERRORS as error:
                if_cancelled()
                raise StoreUnavailable(f"PostgreSQL gave no position: {told(error)}") from error
            await held.showing.check(position.offset)
            held.look.set()
        metrics.OWNED.labels(str(self.name), str(partition)).set(1)
        return position

    async def position(self, partition: int) -> int | None:
        """Return where a partition's checkpoint stands; None where the database does not say."""
        try:
            connection = await connect(self._dsn, self.name.schema, application=f"warren {self.name} standby")
            try:
                return await checkpoints.position(connection, partition)
            finally:
                await connection.close(timeout=1)
        except DATABASE_ERRORS as error:
            if_cancelled()
            log.info("partition %d: no look at the checkpoint: %s", partition, told(error))
            return None

    def abandon(self, partition: int) -> None:
        """Cut the partition's database connection: whoever waits for it wakes at once. Idempotent."""
        held = self._partitions.get(partition)
        if held is not None:
            held.owner.abandon()

    async def release(self, partition: int) -> None:
        """Let a partition go: the broker has given it to another member, or we leave. Idempotent."""
        held = self._partitions.pop(partition, None)
        if held is not None:
            if held.keeper is not None:
                # The keeper may be waiting for a database that does not answer.
                held.owner.abandon()
                held.look.set()
                held.keeper.cancel()
                await asyncio.wait({held.keeper})
            await held.owner.let_go()
            metrics.OWNED.labels(str(self.name), str(partition)).set(0)

    async def commit(self, batch: Batch) -> None:
        """Let the batch take effect once, then show it.

        Raises:
            Fenced: another owner has the partition.
            ParkingStorm: stop the pipeline.
        """
        held = self._partitions.get(batch.partition)
        if held is None:
            raise Fenced(batch.partition, -1)
        async with held.busy:
            done = await held.owner.commit(batch)
            self._count(batch, done)
            if done is None:
                held.showing.lost()
                held.look.set()
                return
            cards, counts = self._projection.cards(done.changes, batch.partition, held.showing.wants)
            news = self._projection.announcement(done.changes)
            announcement = {"partition": batch.partition, "offset": batch.end_offset, **news} if news else {}
            await held.showing.show(batch.first_offset, batch.end_offset, cards, counts, announcement)
            if held.showing.wants_rebuild:
                held.look.set()

    def troubles(self) -> dict[int, str]:
        """Return why batches of these partitions cannot commit right now; empty while all is well."""
        return {p: held.owner.trouble for p, held in self._partitions.items() if held.owner.trouble}

    def _count(self, batch: Batch, done: Decision[S, E] | None) -> None:
        metrics.POSITION.labels(str(self.name), str(batch.partition)).set(batch.end_offset)
        if done is not None:
            tally = done.tally
            for what, counter in self._ended.items():
                counter.inc(max(0, getattr(tally, what)))  # more may be freed than parked

    async def _keep_showing(self, partition: int, held: _Partition[S, E]) -> None:
        """Bring the partition's keys back in step when they are not; look every second, as anyone may flush them."""
        # What is awaited below may swallow a cancellation (`wait_for` before Python 3.12 does, clients too), so the
        # loop also ends by itself.
        while self._partitions.get(partition) is held:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    await held.look.wait()
            held.look.clear()
            try:
                async with held.busy:
                    await self._bring_in_step(partition, held)
            except Fenced:
                continue  # the consumer learns of it with its next batch
            except DATABASE_ERRORS as error:
                if_cancelled()
                log.warning("partition %d: cannot rebuild the hot cache: %s", partition, told(error))
            except Exception:  # a defect: the board reads PostgreSQL, and whoever looks finds out why
                metrics.CACHE_FAILURES.labels(str(self.name)).inc()
                log.exception("partition %d: cannot rebuild the hot cache", partition)

    async def _bring_in_step(self, partition: int, held: _Partition[S, E]) -> None:
        if not held.owner.holds:
            return
        connection, claim = await held.owner.snapshot()
        if held.showing.in_step:
            await held.showing.check(claim.next_offset)
        if held.showing.wants_rebuild:
            cards, counts = await self._projection.snapshot(connection, partition)
            await held.showing.rebuild(claim.next_offset, cards, counts)
