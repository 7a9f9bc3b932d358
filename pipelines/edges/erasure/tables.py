"""What an instance's tables have of a customer: found, and taken out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

import asyncpg

from pipelines.edges.erasure.report import Erasure
from pipelines.engine.stores.named_sql import named_sql
from schemas.erasure import customers_named
from schemas.errors import EventRejected, UnknownVersion
from schemas.orders import NAMING, customer_of, parse

_ERASING = named_sql(__package__, "erasing")
_NOTE = named_sql(__package__, "erasing_add")
_FENCE = named_sql(__package__, "fence")
_ORDERS_OF = named_sql(__package__, "orders_of")
_NAMING = named_sql(__package__, "naming_events")
_TIMELINE = named_sql(__package__, "timeline_erase")
_ORDERS = [
    named_sql(__package__, "orders_erase").format(table=table)
    for table in ("open_orders", "closed_orders", "archived_orders")
]
_QUARANTINE_NAMING = named_sql(__package__, "quarantine_naming")
_QUARANTINE = named_sql(__package__, "quarantine_erase")
_PARKED = named_sql(__package__, "parked")

T = TypeVar("T")

_AT_ONCE = 500
_ATTEMPTS = 5
_HOURS = 24 * 3600.0


def names(body: bytes, customer_id: str) -> bool:
    """Whether an event that took effect named the customer."""
    try:
        return customer_of(parse(body).event) == customer_id
    except (EventRejected, UnknownVersion):  # of another release; better one too many
        return customer_id in customers_named(body)


async def orders_now_of(connection: asyncpg.Connection, customer_id: str) -> set[int]:
    """Return the numbers of the orders that are the customer's by their rows; all erased ones for `ERASED`."""
    return {row["order_no"] for row in await connection.fetch(_ORDERS_OF, customer_id, timeout=_HOURS)}


async def orders_of(connection: asyncpg.Connection, customer_id: str) -> set[int]:
    """Return the numbers of all orders that ever were the customer's, by the database."""
    found = await orders_now_of(connection, customer_id)
    async for row in _rows(connection, _NAMING, sorted(NAMING), customer_id.encode()):
        if row["order_no"] not in found and names(row["body"], customer_id):
            found.add(row["order_no"])
    return found


async def messages_of(connection: asyncpg.Connection, customer_id: str, orders: set[int]) -> list[tuple[int, int]]:
    """Return the places (partition, offset) of the messages in quarantine that name the customer, or are of the orders:
    a note can name anybody."""
    return [
        (row["partition"], row["stream_offset"])
        async for row in _rows(connection, _QUARANTINE_NAMING, sorted(orders))
        if row["theirs"] or customer_id in customers_named(row["body"])
    ]


async def parked_orders(connection: asyncpg.Connection, customer_id: str, orders: set[int]) -> list[str]:
    """Return the ids of the orders, these or others that name the customer, which have parked events."""
    return sorted(
        {
            row["order_id"]
            async for row in _rows(connection, _PARKED)
            if row["order_no"] in orders or customer_id in customers_named(row["body"])
        }
    )


async def note(connection: asyncpg.Connection, orders: set[int]) -> set[int]:
    """Note that these orders are about to be erased, so that whoever writes their rows from now on takes them for an
    erased customer's; return these and those that a run which was ended had noted.

    What an order's events said is needed to find it, and goes first: without the note, nobody would find it again.
    """
    async with connection.transaction():
        await alone_in_fencing(connection)
        if await connection.fetch(_NOTE, sorted(orders)):
            await connection.execute(_FENCE)
        return {row["order_no"] for row in await connection.fetch(_ERASING)}


async def alone_in_fencing(connection: asyncpg.Connection) -> None:
    """Until the transaction ends: of two at once, each would hold a checkpoint that the other waits for."""
    await connection.execute("LOCK TABLE warren.erased IN SHARE ROW EXCLUSIVE MODE")


async def forget(connection: asyncpg.Connection) -> None:
    """What was noted is done."""
    await connection.execute("DELETE FROM erasing")


async def erase_rows(
    connection: asyncpg.Connection, orders: set[int], messages: Sequence[tuple[int, int]], done: Erasure
) -> None:
    """Take the customer out of the orders, their events' bytes out of the timeline, and those of the messages."""
    for some in _pieces(sorted(orders)):
        for query in _ORDERS:
            await _execute(connection, query, some)
        done.events += await _execute(connection, _TIMELINE, some)
    for places in _pieces(messages):
        partitions, offsets = [list(column) for column in zip(*places, strict=True)]
        done.messages += await _execute(connection, _QUARANTINE, partitions, offsets)


async def _rows(connection: asyncpg.Connection, query: str, *arguments: object) -> AsyncIterator[asyncpg.Record]:
    """Give the rows some at a time: bodies may be more than memory holds."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(query, *arguments, prefetch=_AT_ONCE, timeout=_HOURS):
            yield row


async def _execute(connection: asyncpg.Connection, query: str, *arguments: object) -> int:
    """Return how many rows were changed. Processors write to the same rows, in a sequence of their own."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            status: str = await connection.execute(query, *arguments)
            return int(status.split()[-1])
        except asyncpg.DeadlockDetectedError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


def _pieces(rows: Sequence[T]) -> Iterator[list[T]]:
    for first in range(0, len(rows), _AT_ONCE):
        yield list(rows[first : first + _AT_ONCE])
