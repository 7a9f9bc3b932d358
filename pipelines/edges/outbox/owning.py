"""Who works: one relay at a time holds the outbox's lock, and one that is frozen loses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from pipelines.engine.stores.named_sql import named_sql

log = logging.getLogger(__name__)

_TRY = named_sql(__package__, "owner_try")
_END_FROZEN = named_sql(__package__, "owner_end_frozen")

_LOOK_SECONDS = 0.5

FROZEN_SECONDS = 10
"""An owner that has asked its database nothing for so long is taken for frozen: it asks every second."""


@asynccontextmanager
async def owned(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Wait until the outbox is ours; it is for as long as the connection lives. Raises whatever the database does."""
    if not await connection.fetchval(_TRY):
        log.info("another relay works; standing by")
        while not await connection.fetchval(_TRY):
            await asyncio.sleep(_LOOK_SECONDS)
            for frozen in await connection.fetch(_END_FROZEN, FROZEN_SECONDS):
                log.warning("the relay on connection %d is frozen: ended it, taking over", frozen["pid"])
    yield
