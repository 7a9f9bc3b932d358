"""Who owns a partition, and how far its events have taken effect."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from asyncpg import exceptions

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.writes import Write, take_effect
from schemas.errors import Fenced

log = logging.getLogger(__name__)

_ENSURE = named_sql(__package__, "checkpoint_ensure")
_TERMINATE = named_sql(__package__, "checkpoint_terminate_owner")
_CLAIM = named_sql(__package__, "checkpoint_claim")
_RECLAIM = named_sql(__package__, "checkpoint_reclaim")
_EPOCH = named_sql(__package__, "checkpoint_epoch")
_POSITION = named_sql(__package__, "checkpoint_position")
_ADVANCE = named_sql(__package__, "checkpoint_advance")
_ADVANCED = named_sql(__package__, "checkpoint_advanced")

_FENCED = "WF001"  # what the function `fenced` raises

_LOCK_MS = 2000

_LATE_SECONDS = 4.0
"""A claim that has lasted so long may be that of a member which was frozen meanwhile, and given up by the broker."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An owner's right to commit for `partition`, good until the epoch moves on, and where it goes on from.

    `recorded_at` is when the log recorded what took effect last; None where nothing did.
    """

    partition: int
    epoch: int
    next_offset: int
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What a batch did with its events. `parked` may be negative: a release parks fewer than it frees."""

    applied: int
    duplicates: int
    quarantined: int
    parked: int


async def claim(connection: asyncpg.Connection, partition: int, owner: str) -> Claim:
    """Take the partition over, whoever has it. The former owner's connection is terminated: it may be frozen in the
    middle of a batch, and no database time-out would free its locks.

    Raises:
        Fenced: this claimer was itself frozen, and another one has come meanwhile.
        asyncpg.PostgresError: the database refuses or is away.
    """
    started, epoch = time.monotonic(), await connection.fetchval(_EPOCH, partition) or 0
    await connection.execute(_ENSURE, partition)

    async def check() -> None:
        if time.monotonic() - started >= _LATE_SECONDS:
            await _check_epoch(connection, partition, epoch)

    row = await _take(connection, _CLAIM, partition, owner, check)
    return Claim(partition, row["epoch"], row["next_offset"], row["recorded_at"])


async def position(connection: asyncpg.Connection, partition: int) -> int:
    """Return where a partition stands, whoever owns it; 0 for one that nobody has ever owned."""
    return int(await connection.fetchval(_POSITION, partition) or 0)


async def reclaim(connection: asyncpg.Connection, former: Claim) -> Claim:
    """Go on under a new connection after the old one was lost. Raises Fenced if another owner came meanwhile.

    The server may not have noticed that the old one is dead, so it is terminated, as in a takeover.
    """

    async def check() -> None:
        await _check_epoch(connection, former.partition, former.epoch)

    row = await _take(connection, _RECLAIM, former.partition, former.epoch, check)
    return Claim(former.partition, row["epoch"], row["next_offset"], row["recorded_at"])


async def _check_epoch(connection: asyncpg.Connection, partition: int, epoch: int) -> None:
    if await connection.fetchval(_EPOCH, partition) != epoch:
        raise Fenced(partition, epoch)


async def _take(
    connection: asyncpg.Connection,
    statement: str,
    partition: int,
    argument: str | int,
    check: Callable[[], Awaitable[None]],
) -> asyncpg.Record:
    """Run a statement that takes the checkpoint, after ending whichever connection it names.

    `check` raises where it may not be taken; it is asked before each of the two, as we may be frozen in between.
    """
    await connection.execute(f"SET lock_timeout = {_LOCK_MS}")
    for _ in range(5):
        await check()
        if await connection.fetchval(_TERMINATE, partition):
            log.warning("partition %d: terminated the connection that had it", partition)
        await check()
        try:
            # No transaction around it: frozen in one, we would keep the row under a backend that nobody knows.
            row: asyncpg.Record | None = await connection.fetchrow(statement, partition, argument)
        except asyncpg.LockNotAvailableError:
            continue  # a third owner came between; its connection is recorded now
        if row is None:
            assert isinstance(argument, int)
            raise Fenced(partition, argument)
        await connection.execute("RESET lock_timeout")
        return row
    raise asyncpg.LockNotAvailableError(f"the checkpoint of partition {partition} stays locked")


async def advance(
    connection: asyncpg.Connection,
    held: Claim,
    first_offset: int,
    end_offset: int,
    recorded_at: datetime,
    tally: Tally,
    writes: Iterable[Write] = (),
) -> None:
    """Move the checkpoint over a batch, by compare-and-set on epoch and offset, and let its writes take effect with it.

    The checkpoint comes first, so all else waits for no one but a former owner.

    Raises:
        Fenced: it is not ours, or does not stand at `first_offset`; nothing took effect.
        asyncpg.UniqueViolationError: an order or event is there already; nothing took effect.
    """
    counts = tally.applied, tally.duplicates, tally.quarantined, tally.parked
    position = held.partition, held.epoch, first_offset, end_offset, recorded_at
    move = Write("checkpoint_advance", _ADVANCE, (*position, *counts))
    try:
        await take_effect(connection, [move, *writes], _ADVANCED)
    except exceptions.PostgresError as error:
        if getattr(error, "sqlstate", None) == _FENCED:
            raise Fenced(held.partition, held.epoch) from None
        raise
