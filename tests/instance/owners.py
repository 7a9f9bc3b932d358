"""Owners of partition 0 on a real PostgreSQL, and a projection that can be stopped in the middle of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from pipelines.engine.instance.owner import Owner
from pipelines.engine.instance.storm import StormWatch
from pipelines.flows.views.projection import Views
from pipelines.flows.views.tables import Change
from schemas.views import OrderState, TimelineEntry
from tests.instance.direct import PARTITIONS
from tests.support.runs import Run

ViewsOwner = Owner[OrderState, TimelineEntry]


class _Stopping(Views):
    """Stands still in the middle of a batch until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def _stop(self) -> None:
        self.reached.set()
        await self.go_on.wait()


class PausingBetween(_Stopping):
    """Stops where the checkpoint has moved, and no order is written."""

    async def store(self, connection: asyncpg.Connection, partition: int, changes: Sequence[Change]) -> None:
        await self._stop()
        await super().store(connection, partition, changes)


class Pausing(_Stopping):
    """Stops where all is written, and nothing committed."""

    async def store(self, connection: asyncpg.Connection, partition: int, changes: Sequence[Change]) -> None:
        await super().store(connection, partition, changes)
        await self._stop()


@asynccontextmanager
async def owner(run: Run, projection: Views | None = None, *, dsn: str | None = None) -> AsyncIterator[ViewsOwner]:
    """Give an owner that has claimed nothing yet."""
    own: ViewsOwner = Owner(
        dsn or run.settings.postgres_dsn,
        "views_v1",
        "views@1",
        0,
        PARTITIONS,
        projection or Views(),
        StormWatch(),
    )
    try:
        yield own
    finally:
        await own.let_go()


async def backend_of_owner(connection: asyncpg.Connection) -> int:
    """Return the recorded owner's backend process id."""
    pid: int = await connection.fetchval("SELECT backend_pid FROM checkpoint WHERE partition = 0")
    return pid
