"""Which events are published next, and under which publishing ids: noted durably before anything is sent.

Committed events are cut into windows: a window holds what one snapshot sees and the snapshot before did not see. So
each committed event is in exactly one window, whenever its transaction began, and no open transaction holds up others.
A window in its turn is cut into batches of bounded size, by `seq`. As one order's events are written one transaction
after another (an advisory lock sees to it), the events before one in its order have a lower `seq` and are visible
whenever it is: they are in the same window, before it, or in an earlier one. That keeps each order's commit order.

What is noted of a batch says exactly which events it has, and in which order, whenever it is read: the events' homes
follow from their orders, and their publishing ids from the first id of each partition. So a relay that starts anew
sends what is unconfirmed under the same ids, and the broker drops what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.transport import Message
from schemas.streams import partition_of

BATCH_EVENTS = 2000
BATCH_BYTES = 8 * 1024 * 1024
"""A batch holds at most so many events, and no further one once its bodies have so many bytes."""

_ASSIGN = named_sql(__package__, "batch_assign")
_CONFIRM = named_sql(__package__, "batch_confirm")
_READ = named_sql(__package__, "batch_read")
_ALL = named_sql(__package__, "batch_all")
_SEQUENCE = named_sql(__package__, "sequence_seen")
_END_A_TRANSACTION = "SELECT txid_current()"
_FIRST_IDS = named_sql(__package__, "batch_first_ids")
_NEXT_IDS = named_sql(__package__, "batch_next_ids")

_NOTHING_SEEN = "1:1:"


@dataclass(frozen=True, slots=True)
class Window:
    """The events that `to_snapshot` sees and `from_snapshot` does not; None: whatever can be seen when it is cut.

    What `from_snapshot` does not list as running, and does not see, was written above `floor`; nothing of the window
    lies above `ceiling`; and the next window's floor is `next_floor`.
    """

    from_snapshot: str
    to_snapshot: str | None
    floor: int
    ceiling: int | None
    next_floor: int


@dataclass(slots=True)
class Batch:
    """A piece of a window: its events with `after_seq` < seq <= `last_seq`; `complete`: it is the window's last.

    `first_ids`, and behind them `next_ids`, are publishing ids, one for each partition.
    """

    number: int
    window: Window
    after_seq: int
    last_seq: int
    complete: bool
    first_ids: list[int]
    next_ids: list[int] = field(default_factory=list)
    messages: list[tuple[int, Message]] = field(default_factory=list)
    """In the outbox's order, each with its publishing id."""

    def fill(self, row: asyncpg.Record) -> None:
        """Take the events in, as read, and give each its id."""
        partitions, ids = len(self.first_ids), list(self.first_ids)
        for subject, event_id, event_type, body in zip(
            row["subjects"] or (), row["ids"] or (), row["types"] or (), row["bodies"] or (), strict=True
        ):
            home = partition_of(subject, partitions)
            self.messages.append((ids[home], Message(subject, body.encode(), event_id, event_type)))
            ids[home] += 1
        self.next_ids = ids


class Assignment:
    """Notes batches, one after another. Only the relay that owns the outbox may have one, on the owning connection."""

    # A snapshot lists running transactions only below its `xmax`, the number behind the last one that has ended. One
    # with that number or a higher one may have begun, and written, before. But it has a higher number than whatever we
    # wrote and committed before the snapshot, so it wrote later than that began: above where the sequence stood then.

    def __init__(self, connection: asyncpg.Connection, newest: Batch | None, partitions: int, sequence: int) -> None:
        nothing = Window(_NOTHING_SEEN, _NOTHING_SEEN, 0, 0, 0)
        ones = [1] * partitions
        self._connection = connection
        self._newest = newest or Batch(0, nothing, 0, 0, complete=True, first_ids=ones, next_ids=ones)
        self._drained = self._newest.complete
        self._sequence = self._next_floor = sequence
        self._oldest = self._confirmed = self._newest.number
        self._settled = True
        self.unconfirmed: list[Batch] = []
        """What was noted and not confirmed when this was loaded, to be sent again."""

    @classmethod
    async def load(cls, connection: asyncpg.Connection, partitions: int) -> Assignment:
        """Go on where the last relay stopped. Raises whatever the database does."""
        sequence = await connection.fetchval(_SEQUENCE)
        await connection.execute(_END_A_TRANSACTION)
        batches = [_noted(row) for row in await connection.fetch(_ALL)]
        self = cls(connection, batches[-1] if batches else None, partitions, sequence)
        self.unconfirmed = [batch for batch in batches if not batch.next_ids]
        for batch in self.unconfirmed:
            await _read_again(connection, batch)
        if batches:
            self._oldest = batches[0].number
        if self.unconfirmed:
            self._confirmed, self._settled = self.unconfirmed[0].number - 1, False
        return self

    @property
    def next_ids(self) -> list[int]:
        """For each partition, the publishing id that will be given next."""
        return self._newest.next_ids

    async def next(self) -> Batch | None:
        """Note what is to be published next and return it; None where nothing is. Raises whatever the database does."""
        if not self._drained:
            window, after_seq = self._newest.window, self._newest.last_seq
            batch = await self._assign(window, after_seq)
            if batch is not None:
                return batch
            self._drained = True  # it ended exactly at a batch's end
        last = self._newest.window
        assert last.to_snapshot is not None
        return await self._assign(Window(last.to_snapshot, None, last.next_floor, None, self._next_floor), 0)

    def confirmed(self, batch: Batch) -> None:
        """Take down that this batch, and all before it, are confirmed: durably with whatever is written next."""
        self._confirmed, self._settled = batch.number, False

    async def settle(self) -> None:
        """Write down what is confirmed, if that is all there is. Raises whatever the database does."""
        if not self._settled and self._confirmed == self._newest.number:
            await self._connection.execute(_CONFIRM, self._oldest, self._newest.number, self._newest.next_ids)
            self._oldest, self._settled = self._newest.number, True

    async def _assign(self, window: Window, after_seq: int) -> Batch | None:
        number, first_ids, sequence = self._newest.number + 1, self._newest.next_ids, self._sequence
        row = await self._connection.fetchrow(
            _ASSIGN,
            number,
            window.from_snapshot,
            window.to_snapshot,
            window.floor,
            window.ceiling,
            after_seq,
            window.next_floor,
            first_ids,
            BATCH_EVENTS,
            BATCH_BYTES,
            self._oldest,
            self._confirmed,
        )
        self._sequence = row["sequence"]
        if row["to_snapshot"] is None:
            return None
        cut = Window(window.from_snapshot, row["to_snapshot"], window.floor, row["ceiling"], window.next_floor)
        batch = Batch(number, cut, after_seq, row["last_seq"], row["complete"], first_ids)
        batch.fill(row)
        self._oldest, self._next_floor = self._confirmed + 1, sequence
        self._newest, self._drained, self._settled = batch, batch.complete, False
        return batch


async def restart_ids(connection: asyncpg.Connection, partitions: int) -> None:
    """Give what is unconfirmed, and what comes after it, publishing ids from 1 on, for so many partitions.

    To be called in a transaction. Raises whatever the database does.
    """
    ids = [1] * partitions
    for batch in [_noted(row) for row in await connection.fetch(_ALL)]:
        if batch.next_ids:
            await connection.execute(_NEXT_IDS, batch.number, ids)
        else:
            batch.first_ids = ids
            await connection.execute(_FIRST_IDS, batch.number, ids)
            await _read_again(connection, batch)
            ids = batch.next_ids


def _noted(row: asyncpg.Record) -> Batch:
    window = Window(row["from_snapshot"], row["to_snapshot"], row["floor"], row["ceiling"], row["next_floor"])
    after_seq, last_seq, complete = row["after_seq"], row["last_seq"], row["complete"]
    return Batch(row["number"], window, after_seq, last_seq, complete, row["first_ids"], row["next_ids"] or [])


async def _read_again(connection: asyncpg.Connection, batch: Batch) -> None:
    window = batch.window
    edges = window.from_snapshot, window.to_snapshot, window.floor, batch.after_seq, batch.last_seq
    batch.fill(await connection.fetchrow(_READ, *edges))
