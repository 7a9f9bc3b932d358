"""The batch transaction: ledger, views, set-aside events and checkpoint commit together, or nothing does (I2).

fence the checkpoint          not ours any more? stop (I5)
number the orders             order_index; not those the owner remembers
drop what the ledger has      duplicates; other content: conflict
load the orders' states       once an order; not those the owner remembers
fold                          pure, in stream order (I3); what raises parks its order (I4)
write                         ledger, the pipeline's tables, quarantine, parked
advance the checkpoint        compare-and-set
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import asyncpg

from pipelines.engine.instance.folding import OrderQueue, Parking
from pipelines.engine.instance.intake import conflict
from pipelines.engine.instance.memory import Known, Memory
from pipelines.engine.instance.projection import Arrived, OrderChange, Projection
from pipelines.engine.stores import checkpoints, ledger, set_aside
from pipelines.engine.stores.checkpoints import Claim, Tally
from pipelines.engine.stores.ledger import LedgerRow
from pipelines.engine.stores.set_aside import ParkedRow, QuarantineRow
from pipelines.engine.transport import Batch

S = TypeVar("S")
E = TypeVar("E")


@dataclass(slots=True)
class Outcome(Generic[S, E]):
    """What a batch did.

    `orders` maps the id of each order it touched to its number; `waiting` are the numbers of those that have parked
    events, `newly_parked` counts those it stopped, with the last reason.
    """

    changes: list[OrderChange[S, E]]
    tally: Tally
    orders: dict[str, int]
    waiting: set[int]
    newly_parked: int
    last_reason: str


@dataclass(slots=True)
class _Sorted:
    """The batch's events after the ledger was asked."""

    fresh: dict[int, list[Arrived]] = field(default_factory=dict)
    entries: list[tuple[int, Arrived]] = field(default_factory=list)
    conflicts: list[QuarantineRow] = field(default_factory=list)
    duplicates: int = 0


async def decide(
    connection: asyncpg.Connection,
    projection: Projection[S, E],
    held: Claim,
    batch: Batch,
    good: Sequence[Arrived],
    bad: Sequence[QuarantineRow],
    memory: Memory[S],
) -> Outcome[S, E]:
    """Do the batch's work inside the caller's transaction, up to but without its commit.

    Raises:
        Fenced: another owner has the partition. The transaction must be rolled back, as after any exception.
    """
    await checkpoints.fence(connection, held, batch.first_offset)
    first_seen = _first_seen(good)
    recalled = memory.recall(first_seen)
    numbers, opened = await ledger.order_numbers(
        connection, {order_id: time for order_id, time in first_seen.items() if order_id not in recalled}
    )
    numbers |= {order_id: known.order_no for order_id, known in recalled.items()}
    states = {known.order_no: known.state for known in recalled.values()}
    sorted_ = await _ask_ledger(connection, batch.partition, good, numbers, opened)
    unknown = sorted(number for number in sorted_.fresh if number not in opened and number not in states)
    parking = Parking.of(await set_aside.parked_events(connection, unknown), projection.parse)
    states |= await projection.load(connection, unknown)
    changes: list[OrderChange[S, E]] = []
    for order_no, events in sorted_.fresh.items():
        change = OrderQueue(projection, order_no, states.get(order_no), parking).run(events)
        if change is not None:
            changes.append(change)
    parked_now = {(order_no, arrived.offset) for order_no, arrived, _ in parking.parked}
    await ledger.record(
        connection,
        [
            LedgerRow(
                order_no,
                arrived.identity,
                arrived.content,
                batch.partition,
                arrived.offset,
                (order_no, arrived.offset) in parked_now,
            )
            for order_no, arrived in sorted_.entries
        ],
    )
    await ledger.mark_released(connection, [(number, a.identity) for number, a in parking.released])
    await set_aside.forget_parked(connection, [(number, arrived.offset) for number, arrived in parking.released])
    await set_aside.renew_reasons(connection, parking.renewed)
    await set_aside.park(connection, _parked_rows(parking, batch.partition))
    await set_aside.quarantine(connection, [*bad, *sorted_.conflicts])
    await projection.store(connection, batch.partition, changes)
    tally = Tally(
        applied=sum(len(change.entries) for change in changes),
        duplicates=sorted_.duplicates,
        quarantined=len(bad) + len(sorted_.conflicts),
        parked=len(parking.parked) - len(parking.released),
    )
    await checkpoints.advance(connection, held, batch.first_offset, batch.end_offset, batch.recorded_at, tally)
    return Outcome(changes, tally, numbers, parking.stopped, len(parking.newly_stopped), parking.last_reason)


def remember(memory: Memory[S], outcome: Outcome[S, E]) -> None:
    """Take what a batch that has committed did into the memory."""
    after = {change.order_no: change.after for change in outcome.changes}
    for order_id, order_no in outcome.orders.items():
        if order_no in outcome.waiting:
            memory.forget(order_id)
        elif order_no in after:
            memory.keep(order_id, Known(order_no, after[order_no]))
    memory.trim()


def _first_seen(good: Sequence[Arrived]) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for arrived in good:
        first.setdefault(arrived.event.subject, arrived.recorded_at)
    return first


async def _ask_ledger(
    connection: asyncpg.Connection, partition: int, good: Sequence[Arrived], numbers: dict[str, int], opened: set[int]
) -> _Sorted:
    keyed = [((numbers[arrived.event.subject], arrived.identity), arrived) for arrived in good]
    known = await ledger.known_contents(connection, [key for key, _ in keyed if key[0] not in opened])
    found = _Sorted()
    for key, arrived in keyed:
        content = known.get(key)
        if content is None:
            known[key] = arrived.content
            found.fresh.setdefault(key[0], []).append(arrived)
            found.entries.append((key[0], arrived))
        elif content == arrived.content:
            found.duplicates += 1
        else:
            found.conflicts.append(conflict(arrived, partition))
    return found


def _parked_rows(parking: Parking, partition: int) -> list[ParkedRow]:
    return [
        ParkedRow(order_no, arrived.offset, partition, arrived.identity, reason, arrived.body, arrived.recorded_at)
        for order_no, arrived, reason in parking.parked
    ]
