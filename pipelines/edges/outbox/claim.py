"""What a relay does once, when the outbox becomes its own: where it goes on, and under which producer name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from pipelines.edges.outbox.assignment import Assignment, restart_ids
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.transport import NamedPublisher, partition_count

log = logging.getLogger(__name__)

_STANDING = named_sql(__package__, "outbox_standing")
_RENEW = named_sql(__package__, "outbox_renew")
_BIND = named_sql(__package__, "outbox_bind")
_MOVED = named_sql(__package__, "outbox_moved")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish an outbox: `assignment` says what, `publisher` is open under the outbox's name."""

    source: str
    assignment: Assignment
    publisher: NamedPublisher


@asynccontextmanager
async def claimed(connection: asyncpg.Connection, settings: Settings) -> AsyncIterator[Claim]:
    """Take stock on the owner's connection. The producer name is the outbox's, one and the same from relay to relay.

    A name's publishing ids must never be used twice, or the broker would throw events away as known. They would be
    where the database was restored from a backup or copied, and mean nothing in other streams. So wherever that may
    be, a new name begins: what is unconfirmed is sent under it, and the ledger drops what was there already.

    Raises whatever the database or the broker does.
    """
    standing = await connection.fetchrow(_STANDING)
    partitions = await partition_count(settings.stream_url, settings.super_stream, settings.partitions)
    bound_to = f"{settings.super_stream}/{partitions}"
    moved, rebound = standing["home"] != standing["here"], standing["bound_to"] not in ("", bound_to)
    if moved:
        log.warning("this outbox was in another database before; what is not published yet is numbered anew")
        async with connection.transaction():
            await connection.execute("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(_MOVED)
    generation = standing["generation"]
    if moved or rebound:
        generation = await _renew(connection, standing["here"], bound_to, partitions)
    elif standing["bound_to"] != bound_to:
        await connection.execute(_BIND, bound_to)
    assignment = await Assignment.load(connection, partitions)
    marks = await _marks(settings, name_of(standing["outbox_id"], generation))
    if any(mark >= following for mark, following in zip(marks, assignment.next_ids, strict=True)):
        log.warning("the broker has publishing ids that this outbox never gave: was the database restored?")
        generation = await _renew(connection, standing["here"], bound_to, partitions)
        assignment = await Assignment.load(connection, partitions)
    async with _publisher(settings, name_of(standing["outbox_id"], generation)) as publisher:
        yield Claim(standing["source"], assignment, publisher)


def name_of(outbox_id: str, generation: int) -> str:
    """Return an outbox's producer name."""
    return f"outbox-{outbox_id}-{generation}"


def _publisher(settings: Settings, name: str) -> NamedPublisher:
    return NamedPublisher(settings.stream_url, settings.super_stream, name, settings.partitions)


async def _marks(settings: Settings, name: str) -> list[int]:
    """Ask the broker for the highest publishing id that each partition has of this name."""
    async with _publisher(settings, name) as publisher:
        return await asyncio.gather(*map(publisher.last_publishing_id, range(settings.partitions)))


async def _renew(connection: asyncpg.Connection, here: str, bound_to: str, partitions: int) -> int:
    async with connection.transaction():
        await restart_ids(connection, partitions)
        generation: int = await connection.fetchval(_RENEW, here, bound_to)
    log.warning("generation %d of this outbox begins: its publishing ids start anew", generation)
    return generation
