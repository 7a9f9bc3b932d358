"""The board's questions to Postgres. Each is answered from one snapshot, of the version that is live in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
from asyncpg import exceptions

from dashboards.operator.metrics import Metrics
from dashboards.operator.order.gist import gist
from dashboards.operator.replica import ReplicaLag
from dashboards.operator.rows import COUNTED, Board, Card, Entry, Lane, Parked, Position, Standing, Story
from pipelines.edges.archive.errors import ArchiveError
from pipelines.edges.archive.reading import ArchivedEvents, months_of
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import BY_KEY, CONNECTION_LOST
from schemas.errors import SettingsError, StoreBehind, StoreError, StoreUnavailable, said
from schemas.lifecycle import Stage

PIPELINE = "views"

CONNECT_SECONDS = 2.0
QUERY_SECONDS = 5.0
CONNECTIONS = 8

IN_SEQUENCE = {**BY_KEY, "enable_sort": "off", "enable_material": "off", "max_parallel_workers_per_gather": "0"}
"""Settings of a connection that only asks what indexes answer, the rows of which they give in the sequence wanted."""

_USE_LIVE = named_sql(__package__, "use_live")
_POSITIONS = named_sql(__package__, "positions")
_REPLICA = named_sql(__package__, "replica")
_SET_ASIDE = named_sql(__package__, "set_aside")
_COUNTS = named_sql(__package__, "counts")
_LANES = named_sql(__package__, "lanes")
_STATE = named_sql(__package__, "order_state")
_TIMELINE = named_sql(__package__, "order_timeline")
_PARKED = named_sql(__package__, "order_parked")
_ENTRY = (*(name for name in Entry.__dataclass_fields__ if name != "gist"), "body")

_BODIES = named_sql(__package__, "order_bodies")
_EVENT = named_sql(__package__, "order_event")


class Database:
    """Reads only. Every method raises StoreError where Postgres is away, StoreBehind where its tables are missing."""

    def __init__(self, dsn: str, metrics: Metrics, archive: ArchivedEvents) -> None:
        self._dsn = dsn
        self._metrics = metrics
        self._archive = archive
        self._pool: asyncpg.Pool | None = None
        self._lag = ReplicaLag()

    async def open(self) -> None:
        """Make ready; connects to nothing yet."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=CONNECT_SECONDS,
            command_timeout=QUERY_SECONDS,
            server_settings={
                "application_name": "warren board",
                "default_transaction_read_only": "on",
                **IN_SEQUENCE,
            },
        )

    async def close(self) -> None:
        """Drop all connections. Safe before `open`, and twice."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None
        self._archive.close()

    async def standing(self) -> Standing:
        """Where the live instance stands."""
        async with self.snapshot("standing") as (connection, instance):
            return await self.read_standing(connection, instance)

    async def board(self, stages: Sequence[Stage], limit: int) -> Board:
        """The `limit` orders that came last into each of `stages`, and the counts."""
        async with self.snapshot("board") as (connection, instance):
            standing = await self.read_standing(connection, instance)
            counted = await connection.fetch(_COUNTS)
            latest = await connection.fetch(_LANES, [str(stage) for stage in stages], limit)
        counts: dict[str, dict[str, int]] = {}
        for row in counted:
            counts.setdefault(row["stage"], {})[row["partner"]] = row["orders"]
        lanes = tuple(
            Lane(
                stage,
                sum(counts.get(stage, {}).values()),
                tuple(Card.from_row(row) for row in latest if row["stage"] == stage),
            )
            for stage in stages
        )
        offsets = {position.partition: position.next_offset for position in standing.positions}
        return Board("database", lanes, counts, offsets, standing)

    async def card(self, order_id: str) -> Card | None:
        """One order as it stands; None where there is none of that id."""
        async with self.snapshot("card") as (connection, _):
            row = await connection.fetchrow(_STATE, order_id)
        return None if row is None or row["stage"] is None else Card.from_row(row)

    async def story(self, order_id: str) -> tuple[Story | None, Standing]:
        """One order with its whole timeline, from the database and the archive, None where no event of that id was ever
        accepted; and what that is as of."""
        async with self.snapshot("story") as (connection, instance):
            standing = await self.read_standing(connection, instance)
            row = await connection.fetchrow(_STATE, order_id) if _can_be(order_id) else None
            if row is None:
                return None, standing
            timeline = await connection.fetch(_TIMELINE, row["order_no"])
            parked = await connection.fetch(_PARKED, row["order_no"])
        story = Story(
            order_id=row["order_id"],
            card=None if row["stage"] is None else Card.from_row(row),
            closed_at=row["closed_at"],
            timeline=tuple(map(_entry, timeline)),
            parked=tuple(Parked(**event) for event in parked),
            standing=standing,
        )
        return await self._whole(story), standing

    async def bodies(self, order_id: str, at: datetime) -> dict[int, bytes]:
        """The raw bytes of an order's events that took effect and were recorded by `at`, by their offsets."""
        if not _can_be(order_id):
            return {}
        async with self.snapshot("bodies") as (connection, _):
            rows = await connection.fetch(_BODIES, order_id, at)
        found = {row["stream_offset"]: row["body"] for row in rows}
        try:
            archived = await self._archived(order_id, ("stream_offset", "recorded_at", "body"))
        except (ArchiveError, SettingsError) as error:
            raise StoreError(said(error)) from error
        return found | {row["stream_offset"]: row["body"] for row in archived if row["recorded_at"] <= at}

    async def event(self, order_id: str, stream_offset: int) -> bytes | None:
        """The raw bytes of one of an order's events, None where it has none at that offset."""
        if not _can_be(order_id, stream_offset):
            return None
        async with self.snapshot("event") as (connection, _):
            body: bytes | None = await connection.fetchval(_EVENT, order_id, stream_offset)
        if body is not None:
            return body
        try:
            rows = await self._archived(order_id, ("stream_offset", "body"))
        except (ArchiveError, SettingsError) as error:
            raise StoreError(said(error)) from error
        return next((row["body"] for row in rows if row["stream_offset"] == stream_offset), None)

    async def _whole(self, story: Story) -> Story:
        """Join what has left. An order's revision says how many events it has: that some are not there, too."""
        events = 0 if story.card is None else story.card.revision
        if len(story.timeline) >= events:
            return story
        why = ""
        entries = {entry.stream_offset: entry for entry in story.timeline}
        try:
            # A month may have left since the snapshot, so what has left is asked after it.
            rows = await self._archived(story.order_id, _ENTRY)
            entries |= {row["stream_offset"]: _entry(row) for row in rows}
        except (ArchiveError, StoreUnavailable, SettingsError) as error:
            why = said(error)
        timeline = tuple(entries[offset] for offset in sorted(entries))
        return replace(story, timeline=timeline, missing=max(0, events - len(timeline)), why=why)

    async def _archived(self, order_id: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        async with self.snapshot("archived") as (connection, _):
            months = await months_of(connection, order_id)
        return await self._archive.rows(months, columns)

    async def read_standing(self, connection: asyncpg.Connection, instance: InstanceName) -> Standing:
        """Where the instance stands, in the connection's snapshot."""
        positions = await connection.fetch(_POSITIONS)
        aside = await connection.fetchrow(_SET_ASIDE, COUNTED)
        replica = await connection.fetchrow(_REPLICA)
        return Standing(
            instance=instance,
            positions=tuple(Position(**position) for position in positions),
            quarantined=aside["quarantined"],
            parked_events=aside["parked_events"],
            parked_orders=aside["parked_orders"],
            read_at=datetime.now(UTC),
            months_ahead=aside["months_ahead"],
            replica=self._lag.measured(replica),
        )

    @asynccontextmanager
    async def snapshot(self, what: str) -> AsyncIterator[tuple[asyncpg.Connection, InstanceName]]:
        """A transaction in which all that is read is of one moment, and of the live version."""
        assert self._pool is not None, "open() comes first"
        self._metrics.database_reads.labels(what).inc()
        try:
            async with (
                self._pool.acquire(timeout=CONNECT_SECONDS) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                live = await connection.fetchrow(_USE_LIVE, PIPELINE)
                if live is None:
                    raise StoreBehind(f"no version of pipeline `{PIPELINE}` is live; run `warren migrate`")
                yield connection, InstanceName(PIPELINE, live["live_version"])
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError) as error:
            raise StoreBehind(
                f"the database lacks what this release needs ({said(error)}); run `warren migrate`"
            ) from error
        except (*CONNECTION_LOST, exceptions.PostgresError) as error:
            raise StoreError(f"PostgreSQL does not answer: {said(error)}; is it up? see WARREN_POSTGRES_DSN") from error


def _entry(row: Mapping[str, Any] | asyncpg.Record) -> Entry:
    fields = {name: row[name] for name in _ENTRY}
    body = fields.pop("body")
    return Entry(**fields | {"anomalies": tuple(row["anomalies"]), "gist": gist(row["event_type"], body)})


def _can_be(order_id: str, stream_offset: int = 0) -> bool:
    """Whether PostgreSQL can hold these: what it cannot, it has not."""
    return "\0" not in order_id and 0 <= stream_offset < 2**63
