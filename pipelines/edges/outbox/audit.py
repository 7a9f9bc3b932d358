"""Has every confirmed event taken effect? Then its row may go; if not, it can be sent again.

A confirmed event stays in the outbox until it stands in the ledger or in quarantine: streams do not fsync, so a power
cut of a majority of brokers can lose what they have confirmed (I1).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.segments import reclaim, turn
from pipelines.engine.settings import Settings
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import BY_KEY, DATABASE_ERRORS, connect
from pipelines.engine.transport import Message, SuperStreamPublisher, end_offset
from schemas.errors import StoreBehind, StoreUnavailable, WarrenError, said
from schemas.identity import identity
from schemas.streams import partition_name

PAGE_EVENTS = 2000

WAIT_SECONDS = 60.0
"""A pipeline that has not read so long after it what was in the stream when the audit began is behind."""

_LOOK_SECONDS = 0.1

_SOURCE = named_sql(__package__, "outbox_source")
_SETTLED = named_sql(__package__, "settled_snapshot")
_COUNT = named_sql(__package__, "audit_count")
_PAGE = named_sql(__package__, "audit_page")
_UNSEEN = named_sql(__package__, "audit_unseen")
_QUARANTINED = named_sql(__package__, "audit_quarantined")
_CHECKPOINTS = named_sql(__package__, "audit_checkpoints")
_TRY = named_sql(__package__, "audit_try")

Progress = Callable[[int, int], None]
"""Told how many events are looked at, of how many."""


class OutboxAuditImpossible(WarrenError):
    """The audit cannot say anything now; the message says why and what to do."""


@dataclass(slots=True)
class OutboxReport:
    """What an audit found: how many confirmed `events` the outbox had, and which of them are `missing`: neither in the
    ledger nor in quarantine. `reclaimed` rows are gone, `resent` events were published again.
    """

    source: str
    instance: str
    events: int = 0
    missing: list[Message] = field(default_factory=list)
    reclaimed: int = 0
    resent: int = 0


async def audit_outbox(
    settings: Settings, dsn: str, instance: str, progress: Progress, *, resend: bool = False
) -> OutboxReport:
    """Look for every confirmed event of an outbox in the ledger and in quarantine.

    Segments all of whose events are there are emptied. With `resend` none is, and what is missing is published again,
    in the outbox's order.

    Raises:
        OutboxAuditImpossible: another audit runs, or the pipeline is behind.
        SettingsError: `instance` names no pipeline instance.
        Unconfirmed: not all could be sent again.
        Whatever the databases and the broker do.
    """
    name = InstanceName.parse(instance)
    outbox = await connect(dsn, SCHEMA, application="warren outbox audit", planning=BY_KEY)
    try:
        report = OutboxReport(await outbox.fetchval(_SOURCE), str(name))
        if not await outbox.fetchval(_TRY):
            raise OutboxAuditImpossible("another audit of this outbox runs; wait until it has ended")
        ledger = await _ledger(settings.postgres_dsn, name)
        try:
            return await _Audit(settings, outbox, ledger, report).run(progress, resend=resend)
        finally:
            await ledger.close(timeout=2)
    finally:
        await outbox.close(timeout=2)


async def _ledger(dsn: str, name: InstanceName) -> asyncpg.Connection:
    try:
        connection = await connect(dsn, name.schema, application="warren outbox audit", planning=BY_KEY)
    except DATABASE_ERRORS as error:
        raise StoreUnavailable(f"the ledger's PostgreSQL is away: {said(error)}; see WARREN_POSTGRES_DSN") from error
    try:
        await connection.fetch(_CHECKPOINTS)
    except BaseException as error:
        await connection.close(timeout=2)
        if isinstance(error, asyncpg.UndefinedTableError):
            raise StoreBehind(f"{name} has not its tables in WARREN_POSTGRES_DSN; run `warren migrate`") from error
        raise
    return connection


class _Audit:
    def __init__(
        self, settings: Settings, outbox: asyncpg.Connection, ledger: asyncpg.Connection, report: OutboxReport
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._ledger = ledger
        self._report = report

    async def run(self, progress: Progress, *, resend: bool) -> OutboxReport:
        settled = await self._outbox.fetchval(_SETTLED)
        if settled is None:
            return self._report  # nothing was ever published
        await self._until_read(await self._ends())
        segments = await self._look(settled, progress)
        if resend:
            await self._resend()
        else:
            await turn(self._outbox)
            self._report.reclaimed = await reclaim(self._outbox, settled, segments)
        return self._report

    async def _ends(self) -> list[int]:
        url, stream = self._settings.stream_url, self._settings.super_stream
        partitions = range(self._settings.partitions)
        return await asyncio.gather(*(end_offset(url, partition_name(stream, partition)) for partition in partitions))

    async def _until_read(self, ends: Sequence[int]) -> None:
        """Wait until the pipeline is done with all that was in the stream before these offsets."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            offsets = {row["partition"]: row["next_offset"] for row in await self._ledger.fetch(_CHECKPOINTS)}
            behind = sum(max(0, end - offsets.get(partition, 0)) for partition, end in enumerate(ends))
            if not behind:
                return
            if time.monotonic() > deadline:
                raise OutboxAuditImpossible(
                    f"{self._report.instance} still has to read {behind} events; does it run? see `warren lag`"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, settled: str, progress: Progress) -> set[int]:
        """Look for every event that the snapshot sees; return the segments in which none is missing."""
        total, after_seq = await self._outbox.fetchval(_COUNT, settled), 0
        segments: set[int] = set()
        lacking: set[int] = set()
        progress(0, total)
        while page := await self._outbox.fetch(_PAGE, settled, after_seq, PAGE_EVENTS):
            missing = await self._missing(page)
            segments.update(row["segment"] for row in page)
            lacking.update(page[place]["segment"] for place in missing)
            self._report.missing += [_message(page[place]) for place in missing]
            self._report.events += len(page)
            after_seq = page[-1]["seq"]
            progress(self._report.events, total)
        return segments - lacking

    async def _missing(self, page: list[asyncpg.Record]) -> list[int]:
        source = self._report.source
        identities = [identity(source, row["id"]) for row in page]
        orders = [row["subject"] for row in page]
        unseen = [row["place"] for row in await self._ledger.fetch(_UNSEEN, orders, identities)]
        if not unseen:
            return []
        ids = [page[place]["id"] for place in unseen]
        quarantined = {row["event_id"] for row in await self._ledger.fetch(_QUARANTINED, source, ids)}
        return [place for place in unseen if page[place]["id"] not in quarantined]

    async def _resend(self) -> None:
        settings, missing = self._settings, self._report.missing
        async with SuperStreamPublisher(settings.stream_url, settings.super_stream, settings.partitions) as publisher:
            for first in range(0, len(missing), PAGE_EVENTS):
                await publisher.publish(missing[first : first + PAGE_EVENTS])
                self._report.resent = min(len(missing), first + PAGE_EVENTS)


def _message(row: asyncpg.Record) -> Message:
    return Message(row["subject"], row["body"].encode(), row["id"], row["type"])
