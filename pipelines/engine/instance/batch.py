"""A batch: first decide what it does, then let it take effect in one statement, or not at all (I2).

decide      look up            numbers of the orders, what the ledger has of the events; load the orders' states;
                               nothing is asked of what the owner remembers
            drop               events the ledger has: duplicates; with other content: conflicts
            fold               pure, in stream order (I3); what raises parks its order (I4)
take effect advance            the checkpoint, by compare-and-set; with it new orders, the ledger's entries, quarantine,
                               parked events, the pipeline's tables

Nothing is locked while a batch is decided, and nothing need be: what it reads is written under the partition's epoch
only, and `advance` proves that the epoch has not moved since (I5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import asyncpg

from pipelines.engine.instance.folding import OrderQueue, Parking
from pipelines.engine.instance.intake import conflict
from pipelines.engine.instance.memory import Entries, Known, Memory
from pipelines.engine.instance.projection import Arrived, OrderChange, Projection
from pipelines.engine.stores import checkpoints, ledger, set_aside
from pipelines.engine.stores.checkpoints import Claim, Tally
from pipelines.engine.stores.ledger import Key, LedgerRow, Opened
from pipelines.engine.stores.set_aside import ParkedRow, QuarantineRow
from pipelines.engine.stores.writes import Write
from pipelines.engine.transport import Batch

S = TypeVar("S")
E = TypeVar("E")


@dataclass(slots=True)
class Decision(Generic[S, E]):
    """What a batch is going to do.

    `orders` maps the id of each order it touches to its number, `opened` are those not seen before. `ledgers` are what
    the ledger has of orders of which all is known; `entries` are the events that are new to it, by order number.
    """

    orders: dict[str, int]
    opened: dict[str, Opened]
    quarantined: list[QuarantineRow]
    ledgers: dict[int, Entries]
    entries: list[tuple[int, Arrived]] = field(default_factory=list)
    duplicates: int = 0
    parking: Parking = field(default_factory=Parking)
    changes: list[OrderChange[S, E]] = field(default_factory=list)

    @property
    def tally(self) -> Tally:
        """How many events end in which way."""
        return Tally(
            applied=sum(len(change.entries) for change in self.changes),
            duplicates=self.duplicates,
            quarantined=len(self.quarantined),
            parked=len(self.parking.parked) - len(self.parking.released),
        )


@dataclass(slots=True)
class _Known:
    """What the ledger and the owner's memory say of a batch's orders and events. `waiting` have parked events."""

    numbers: dict[str, int]
    ledgers: dict[int, Entries]
    opened: dict[str, Opened] = field(default_factory=dict)
    contents: dict[Key, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)


async def decide(
    connection: asyncpg.Connection,
    projection: Projection[S, E],
    partition: int,
    good: Sequence[Arrived],
    bad: Sequence[QuarantineRow],
    memory: Memory[S],
) -> Decision[S, E]:
    """Return what the batch does, given its good events in stream order and its bad ones. Only reads."""
    recalled = memory.recall({arrived.event.subject for arrived in good})
    known = await _look_up(connection, good, recalled)
    decision: Decision[S, E] = Decision(known.numbers, known.opened, list(bad), known.ledgers)
    fresh: dict[int, list[Arrived]] = {}
    for arrived in good:
        key = known.numbers[arrived.event.subject], arrived.identity
        content = known.contents.get(key)
        if content is None:
            known.contents[key] = arrived.content
            fresh.setdefault(key[0], []).append(arrived)
            decision.entries.append((key[0], arrived))
        elif content == arrived.content:
            decision.duplicates += 1
        else:
            decision.quarantined.append(conflict(arrived, partition))
    states = {one.order_no: one.state for one in recalled.values()}
    new = {order.order_no for order in known.opened.values()}
    states |= await projection.load(connection, sorted(fresh.keys() - states.keys() - new))
    waiting = known.waiting & fresh.keys()
    # Of orders that nothing releases, it is enough that they wait: their parked events may be very many.
    released = {order_no for order_no in waiting if any(projection.releases(one.event) for one in fresh[order_no])}
    parked = await set_aside.parked_events(connection, sorted(released))
    parking = decision.parking = Parking.of(parked, projection.parse, waiting - released)
    for order_no, events in fresh.items():
        change = OrderQueue(projection, order_no, states.get(order_no), parking).run(events)
        if change is not None:
            decision.changes.append(change)
    return decision


async def take_effect(
    connection: asyncpg.Connection,
    projection: Projection[S, E],
    held: Claim,
    batch: Batch,
    decision: Decision[S, E],
) -> None:
    """Let all of it take effect, in one transaction.

    Raises:
        Fenced: another owner has the partition; nothing took effect.
    """
    writes = _writes(projection, batch.partition, decision)
    position = batch.first_offset, batch.end_offset, batch.recorded_at
    await checkpoints.advance(connection, held, *position, decision.tally, writes)


def remember(memory: Memory[S], decision: Decision[S, E]) -> None:
    """Take what a batch that has committed did into the memory."""
    ledgers: dict[int, Entries | None] = {**decision.ledgers}
    for order_no, arrived in decision.entries:
        entries = ledgers.get(order_no)
        if entries is not None:
            ledgers[order_no] = entries.with_event(arrived.identity, arrived.content)
    after = {change.order_no: change.after for change in decision.changes}
    for order_id, order_no in decision.orders.items():
        if order_no in decision.parking.stopped:
            memory.forget(order_id)
        elif order_no in after:
            memory.keep(order_id, Known(order_no, after[order_no], ledgers.get(order_no)))
    memory.trim()


async def _look_up(connection: asyncpg.Connection, good: Sequence[Arrived], recalled: Mapping[str, Known[S]]) -> _Known:
    """Ask what is not remembered of the events."""
    numbers = {order_id: one.order_no for order_id, one in recalled.items()}
    known = _Known(numbers, {one.order_no: one.entries for one in recalled.values() if one.entries is not None})
    asked: list[tuple[str, int, Arrived]] = []
    for arrived in good:
        order_id = arrived.event.subject
        order_no = numbers.get(order_id)
        entries = None if order_no is None else known.ledgers.get(order_no)
        if order_no is None or entries is None:
            asked.append((order_id, arrived.offset, arrived))
        elif (content := entries.content(arrived.identity)) is not None:
            known.contents[order_no, arrived.identity] = content
    asked.sort()  # so that neighbours in the index are asked for together
    questions = [
        ledger.by_id(order_id, arrived.identity)
        if (order_no := numbers.get(order_id)) is None
        else ledger.by_number(order_no, arrived.identity)
        for order_id, _, arrived in asked
    ]
    for found in await ledger.look_up(connection, questions):
        _, _, arrived = asked[found.place]
        order_id = arrived.event.subject
        if found.new_no is not None:
            opened = known.opened.setdefault(order_id, Opened(order_id, found.new_no, arrived.recorded_at))
            numbers[order_id] = opened.order_no
            known.ledgers[opened.order_no] = Entries()
            continue
        order_no = numbers[order_id] = found.order_no if found.order_no is not None else numbers[order_id]
        if found.content is not None:
            known.contents[order_no, arrived.identity] = found.content
        if found.waits:
            known.waiting.add(order_no)
    return known


def _writes(projection: Projection[S, E], partition: int, decision: Decision[S, E]) -> list[Write]:
    """Return what the decision writes. What is rare is left out where there is nothing of it."""
    parking, writes = decision.parking, list[Write]()
    if decision.entries:
        parked = {(order_no, arrived.offset) for order_no, arrived, _ in parking.parked}
        writes.append(ledger.opens(decision.opened.values()))
        writes.append(ledger.enters(_entry(number, a, partition, parked) for number, a in decision.entries))
    if parking.released:
        writes.append(ledger.releases([(number, arrived.identity) for number, arrived in parking.released]))
        writes.append(set_aside.forgets([(number, arrived.offset) for number, arrived in parking.released]))
    if parking.renewed:
        writes.append(set_aside.renews(parking.renewed))
    if parking.parked:
        writes.append(set_aside.parks(_parked_rows(parking, partition)))
    if decision.quarantined:
        kept = [replace(row, body=projection.redacted(row.body)) for row in decision.quarantined]
        writes.append(set_aside.quarantines(kept))
    if decision.changes:
        writes.extend(projection.writes(partition, decision.changes))
    writes.extend(projection.hides(decision.quarantined))
    return writes


def _entry(order_no: int, arrived: Arrived, partition: int, parked: set[tuple[int, int]]) -> LedgerRow:
    waits = (order_no, arrived.offset) in parked
    return LedgerRow(order_no, arrived.identity, arrived.content, partition, arrived.offset, waits)


def _parked_rows(parking: Parking, partition: int) -> list[ParkedRow]:
    return [
        ParkedRow(order_no, arrived.offset, partition, arrived.identity, reason, arrived.body, arrived.recorded_at)
        for order_no, arrived, reason in parking.parked
    ]
