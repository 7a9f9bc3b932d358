"""The audit: the whole log against all that was made of it, while the pipeline goes on.

cut off      the checkpoints as they stand; later events are pending
read         each partition up to its cutoff into the expected world, by the audit's own fold
compare      ledger, parked events, timelines and orders, in ranges of orders; then quarantine, counts, totals
catch up     orders that went on meanwhile: read on, and compare these again
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import asyncpg

from pipelines.audit.archived import ArchivedTimeline
from pipelines.audit.check_counts import check_counts
from pipelines.audit.check_ledger import applied_after_parked, check_ledger, check_parked
from pipelines.audit.check_quarantine import QuarantineCheck
from pipelines.audit.check_settled import SettledCheck
from pipelines.audit.check_stays import check_stays
from pipelines.audit.check_timeline import check_timeline
from pipelines.audit.check_views import check_views
from pipelines.audit.cutoffs import AuditImpossible, Cutoffs, check_totals, find_cutoffs, reached
from pipelines.audit.findings import Findings
from pipelines.audit.order import Ledgered, Order, orders_of
from pipelines.audit.reading import read_partition
from pipelines.audit.remarks import Remarks
from pipelines.audit.report import AuditReport, Figure, Kind
from pipelines.audit.rows import AFTER_ALL, BEFORE_ALL, OrderRows, read_range, read_some
from pipelines.audit.world import Tally, World, empty_world
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.postgres import connect
from schemas.errors import SettingsError, StoreBehind

Progress = Callable[[int, int], None]
"""Told how many steps are done, of how many. A step is an event, read or compared."""

_ORDERS_AT_ONCE = 1000
_CATCH_UP_ROUNDS = 3


async def audit(settings: Settings, instance: str = "views@1", progress: Progress | None = None) -> AuditReport:
    """Compare the stream, up to the checkpoints as they stand now, with the instance's stores.

    Changes nothing, keeps nobody waiting, and may run while the pipeline does.

    Raises:
        SettingsError: `instance` names no instance of pipeline `views`.
        AuditImpossible: retention has removed the beginning of the stream, the archive is away, or the disk is full.
        StoreBehind: the instance has no tables in this database.
        StreamMissing, StreamUnavailable, EventsLost, or whatever the database does when it is away.
    """
    name = InstanceName.parse(instance)
    if name.pipeline != "views":
        raise SettingsError(f"{instance}: the audit knows the tables of pipeline views only, such as views@1")
    connection = await connect(settings.postgres_dsn, name.schema, application="warren audit")
    try:
        with empty_world() as world:
            return await _Audit(settings, connection, world, progress).run(str(name))
    except asyncpg.UndefinedTableError as error:
        raise StoreBehind(f"{instance} has not its tables in this database ({error}); run `warren migrate`") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN):
            raise
        raise AuditImpossible(f"no room for temporary files ({error}); point TMPDIR to a larger disk") from error
    finally:
        await connection.close()


class _Audit:
    def __init__(
        self, settings: Settings, connection: asyncpg.Connection, world: World, progress: Progress | None
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._world = world
        self._remarks = Remarks(world)
        self._found = Findings()
        self._settled = SettledCheck()
        self._progress = progress
        self._done = self._steps = 0
        self._applied = self._parked = 0

    async def run(self, instance: str) -> AuditReport:
        started = time.monotonic()
        cutoffs = await find_cutoffs(self._settings, self._connection, self._found)
        self._steps = 2 * sum(cutoffs.ends.values())
        tallies = await self._read(dict.fromkeys(cutoffs.ends, 0), cutoffs.ends)
        self._steps = self._done + sum(tally.accepted for tally in tallies.values())
        orders = self._world.orders
        await self._compare_orders(cutoffs.ends)
        quarantine = await self._compare_the_rest(cutoffs, tallies)
        unsettled = await self._catch_up(cutoffs)
        total = Tally(*(sum(getattr(t, f) for t in tallies.values()) for f in Tally.__dataclass_fields__))
        return AuditReport(
            instance=instance,
            partitions=cutoffs.partitions,
            orders=orders,
            events_in_stream=total.records,
            distinct=total.accepted + total.rejected,
            duplicates=total.duplicates,
            applied=self._applied + quarantine.applied,
            quarantined=quarantine.quarantined,
            parked=self._parked,
            pending=cutoffs.pending,
            lost=self._found.figure(Figure.LOST),
            doubled=self._found.figure(Figure.DOUBLED),
            order_gaps=self._found.figure(Figure.ORDER_GAPS),
            mismatches=self._found.figure(Figure.MISMATCHES),
            reused_ids=self._found.figure(Figure.REUSED_IDS),
            unsettled=unsettled,
            seconds=round(time.monotonic() - started, 3),
            findings=self._found.kept,
            findings_left_out=self._found.left_out,
        )

    async def _read(self, starts: dict[int, int], ends: dict[int, int]) -> dict[int, Tally]:
        return {
            partition: await read_partition(
                self._settings, self._world, partition, len(ends), starts[partition], end, self._advance
            )
            for partition, end in ends.items()
        }

    async def _compare_orders(self, ends: dict[int, int]) -> None:
        after, archive = BEFORE_ALL, ArchivedTimeline(self._settings.archive_url)
        while after != AFTER_ALL:
            snapshot = await read_range(self._connection, archive, after, _ORDERS_AT_ONCE)
            with self._world.batch():
                for rows in snapshot.orders:
                    if rows.order_id is None:
                        self._name_unindexed(rows)
                for order in orders_of(snapshot, self._world, ends):
                    self._compare_order(order)
            after = snapshot.end
        self._name_unknown()

    def _name_unknown(self) -> None:
        """Orders the stream has and the order index does not: none of their events is anywhere."""
        last = None
        for missing in self._remarks.unvisited():
            self._remarks.missing([missing])
            self._advance(1)
            if missing.order_id != last:
                last = missing.order_id
                self._found.add_gap()
                detail = "order_index does not know this order"
                self._found.add(Kind.ORDER_UNKNOWN, detail, order_id=last, partition=missing.partition)

    def _compare_order(self, order: Order) -> None:
        says = Ledgered.of(order)
        check_ledger(order, says, self._remarks, self._found)
        safe = check_parked(order, says, self._found)
        out_of_order = applied_after_parked(order, says, self._found)
        gap = check_timeline(order, says, self._found)
        if gap or out_of_order:
            self._found.add_gap()
        if not says.moved:
            check_views(order, says, self._found)
        elif order.expected:
            self._remarks.moved(order.rows.order_no, order.order_id)
        self._settled.take(order, says)
        self._remarks.visited(order.order_id)
        self._parked += safe
        self._applied += len(order.expected) - len(says.missing) - len(says.parked)
        self._advance(len(order.expected))

    def _name_unindexed(self, rows: OrderRows) -> None:
        """Every row under a number the order index does not know stands for an effect of no event."""
        detail = f"under order number {rows.order_no}, which order_index does not know"
        for kind, some in (
            (Kind.LEDGER_PHANTOM, rows.ledger),
            (Kind.TIMELINE_PHANTOM, rows.timeline),
            (Kind.PARKED_PHANTOM, rows.parked),
        ):
            for row in some:
                self._found.add(kind, detail, partition=row["partition"], offset=row["stream_offset"])
        for row in rows.views:
            self._found.add(Kind.ORDER_PHANTOM, detail, order_id=row["order_id"], partition=row["partition"])

    async def _compare_the_rest(self, cutoffs: Cutoffs, tallies: dict[int, Tally]) -> QuarantineCheck:
        quarantine = QuarantineCheck(self._world, self._remarks, cutoffs, self._found)
        await quarantine.run(self._connection)
        for missing in self._remarks.still_missing():
            detail = "is in the stream, but neither in the ledger nor set aside"
            self._found.add(Kind.NOT_IN_LEDGER, detail, **missing._asdict())
        check_totals(cutoffs, tallies, self._found)
        await check_counts(self._connection, cutoffs.partitions, self._found)
        await check_stays(self._connection, self._found)
        await self._settled.run(self._connection, cutoffs.ends, self._found)
        for reused in self._world.reused_ids():
            detail = (
                f"{reused.orders} orders have an event of this source and id, such as {reused.one}, {reused.another}"
            )
            self._found.add(Kind.REUSED_ID, detail, source=reused.source, event_id=reused.event_id)
        return quarantine

    async def _catch_up(self, cutoffs: Cutoffs) -> int:
        """Compare the orders that went on while the audit ran; return how many still do."""
        ends = cutoffs.ends
        for _ in range(_CATCH_UP_ROUNDS):
            if not self._remarks.unsettled():
                break
            now = await reached(self._settings, self._connection, list(ends))
            starts, ends = ends, {partition: max(end, now[partition]) for partition, end in ends.items()}
            self._steps += sum(ends.values()) - sum(starts.values())
            await self._read(starts, ends)
            await self._compare_moved(ends)
        return self._remarks.unsettled()

    async def _compare_moved(self, ends: dict[int, int]) -> None:
        after = BEFORE_ALL
        while some := self._remarks.some_moved(after, _ORDERS_AT_ONCE):
            snapshot = await read_some(self._connection, some)
            for order in orders_of(snapshot, self._world, ends):
                says = Ledgered.of(order)
                if not says.moved:
                    check_views(order, says, self._found)
                    self._remarks.settled(order.rows.order_no)
            after = snapshot.end

    def _advance(self, steps: int) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._steps)
