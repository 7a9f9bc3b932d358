"""How far the pipeline is, by its own checkpoints."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from cli.demo.errors import DemoFailed
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import DATABASE_ERRORS, connect
from pipelines.engine.transport import end_offset
from schemas.streams import partition_name

READY_SECONDS = 60.0
STALLED_SECONDS = 120.0
"""A pipeline that moves no checkpoint for so long, with events before it, has stalled."""

_PROGRESS = named_sql(__package__, "progress")
_LOOK_SECONDS = 0.05
_WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """The checkpoints of all partitions, and their totals. `owned` counts partitions some consumer has claimed."""

    offsets: Mapping[int, int]
    owned: int = 0
    applied: int = 0
    duplicates: int = 0
    quarantined: int = 0
    parked: int = 0

    @property
    def read(self) -> int:
        """Messages the pipeline is done with."""
        return sum(self.offsets.values())


class Checkpoints:
    """Reads the checkpoints of the views, over one connection made anew when it is lost."""

    def __init__(self, settings: Settings, schema: str) -> None:
        self._settings = settings
        self._schema = schema
        self._connection: asyncpg.Connection | None = None
        self._reading = asyncio.Lock()
        self.latest = Progress({})

    async def read(self) -> Progress:
        """Read them now; while Postgres is away, return what was read last."""
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self._reading:
                self.latest = await self._read()
        return self.latest

    async def _read(self) -> Progress:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._settings.postgres_dsn, self._schema, application="warren demo")
        rows = await self._connection.fetch(_PROGRESS)
        totals = {name: sum(row[name] for row in rows) for name in ("applied", "duplicates", "quarantined", "parked")}
        offsets = {row["partition"]: row["next_offset"] for row in rows}
        return Progress(offsets, sum(row["epoch"] > 0 for row in rows), **totals)

    async def watch(self) -> None:
        """Keep `latest` fresh until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(_WATCH_SECONDS)

    def close(self) -> None:
        """Let the connection go. Idempotent."""
        if self._connection is not None:
            self._connection.terminate()

    async def until_owned(self, partitions: int) -> None:
        """Wait until every partition has a consumer. Raises DemoFailed when that takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while (progress := await self.read()).owned < partitions:
            if time.monotonic() > deadline:
                raise DemoFailed(f"after {READY_SECONDS:g} s {progress.owned} of {partitions} partitions are consumed")
            await asyncio.sleep(_LOOK_SECONDS)

    async def until_applied(self) -> None:
        """Wait until the pipeline is done with all that is in the stream now. Raises DemoFailed when it stalls."""
        stream, name = self._settings.stream_url, self._settings.super_stream
        partitions = range(self._settings.partitions)
        ends = await asyncio.gather(*(end_offset(stream, partition_name(name, partition)) for partition in partitions))
        moved, read = time.monotonic(), -1
        while True:
            progress = await self.read()
            behind = {p: end for p, end in enumerate(ends) if progress.offsets.get(p, 0) < end}
            if not behind:
                return
            if progress.read > read:
                moved, read = time.monotonic(), progress.read
            elif time.monotonic() - moved > STALLED_SECONDS:
                raise DemoFailed(
                    f"the pipeline has not moved for {STALLED_SECONDS:g} s; partitions behind: {sorted(behind)}"
                )
            await asyncio.sleep(_LOOK_SECONDS)
