"""Owners of partition 0 on a real PostgreSQL, and a projection that can be stopped in the middle of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from pipelines.engine.instance.batch import take_effect
from pipelines.engine.instance.owner import Owner
from pipelines.engine.instance.storm import StormWatch
from pipelines.flows.views.projection import Views
from schemas.views import OrderState, TimelineEntry
from tests.instance.direct import PARTITIONS
from tests.support.runs import Run

ViewsOwner = Owner[OrderState, TimelineEntry]


# A row of one true value, and the end of the answer.
_TRUE = b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01\x01C\x00\x00\x00\x0dSELECT 1\x00"


class Pausing(Views):
    """Its batches stand still where all is written and nothing committed, as very large ones can, until told to go on.

    It works through `take_effect_pausing`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def stop(self) -> None:
        self.reached.set()
        await self.go_on.wait()


class Sent:
    """Knows when the statement by which a batch takes effect is on its way, and the server's word that it did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sent = False

        async def take_effect_noted(*given: Any) -> None:
            self._sent = True
            await take_effect(*given)

        monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", take_effect_noted)

    def answered_by(self, piece: bytes) -> bool:
        """Say whether this piece of what the server sends is its word."""
        return self._sent and _TRUE in piece

    def forget(self) -> None:
        """Wait for the next batch's."""
        self._sent = False


async def take_effect_pausing(connection: asyncpg.Connection, projection: Any, *rest: Any) -> None:
    """As `take_effect`, but a projection that pauses does so before the commit."""
    if not isinstance(projection, Pausing):
        await take_effect(connection, projection, *rest)
        return
    async with connection.transaction():
        await take_effect(connection, projection, *rest)
        await projection.stop()


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
