"""What the comparison remarks as it goes and needs again later; kept beside the expected world, not in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.audit.world import World
from pipelines.engine.stores.named_sql import named_sql

_TABLES = named_sql(__package__, "remarks_tables")
_UNVISITED = named_sql(__package__, "remarks_unvisited")

_MISSING = "INSERT INTO missing VALUES (?, ?, ?, ?, ?)"
_FOUND = "DELETE FROM missing WHERE partition = ? AND stream_offset = ? RETURNING order_id, source, event_id"
_STILL_MISSING = "SELECT partition, stream_offset, order_id, source, event_id FROM missing"
_REJECTED = "SELECT 1 FROM rejected WHERE partition = ? AND stream_offset = ?"
_APPLIED = "INSERT INTO applied VALUES (?, ?) ON CONFLICT DO NOTHING"
_IS_APPLIED = "SELECT 1 FROM applied WHERE partition = ? AND stream_offset = ?"
_MOVED = "INSERT INTO moved VALUES (?, ?)"
_SOME_MOVED = "SELECT order_no, order_id FROM moved WHERE order_no > ? ORDER BY order_no LIMIT ?"


class Missing(NamedTuple):
    """An accepted event that is not in the ledger."""

    partition: int
    offset: int
    order_id: str
    source: str
    event_id: str


class Remarks:
    """Remarks about a world. Only one at a time may be made for it."""

    def __init__(self, world: World) -> None:
        self._sqlite = world.sqlite
        self._sqlite.executescript(_TABLES)

    def visited(self, order_id: str) -> None:
        """The order index knows this order."""
        self._sqlite.execute("INSERT INTO visited VALUES (?)", (order_id,))

    def unvisited(self) -> Iterator[Missing]:
        """Give the events of orders that were never visited, order by order."""
        for order_id, partition, offset, source, event_id in self._sqlite.execute(_UNVISITED):
            yield Missing(partition, offset, order_id, source, event_id)

    def missing(self, events: Iterable[Missing]) -> None:
        """These accepted events are not in the ledger."""
        self._sqlite.executemany(_MISSING, events)

    def take_missing(self, partition: int, offset: int) -> Missing | None:
        """Return the missing event that stands at this place, no longer to be reported; None where none does."""
        row = self._sqlite.execute(_FOUND, (partition, offset)).fetchall()
        return Missing(partition, offset, *row[0]) if row else None

    def still_missing(self) -> Iterator[Missing]:
        """Give the missing events that were not taken, in the order of the partitions' streams."""
        yield from map(Missing._make, self._sqlite.execute(_STILL_MISSING))

    def applied_though_rejected(self, partition: int, offset: int) -> bool:
        """The ledger has what stands at this place; return whether it belongs in quarantine, and remark it if so."""
        if self._sqlite.execute(_REJECTED, (partition, offset)).fetchone() is None:
            return False
        self._sqlite.execute(_APPLIED, (partition, offset))
        return True

    def is_applied(self, partition: int, offset: int) -> bool:
        """Whether `applied_though_rejected` said so."""
        return self._sqlite.execute(_IS_APPLIED, (partition, offset)).fetchone() is not None

    def moved(self, order_no: int, order_id: str) -> None:
        """This order has gone on beyond what was read."""
        self._sqlite.execute(_MOVED, (order_no, order_id))

    def some_moved(self, after: int, size: int) -> dict[int, str]:
        """Return the next orders that moved, number to id, behind number `after`; empty at the end."""
        return dict(self._sqlite.execute(_SOME_MOVED, (after, size)).fetchall())

    def settled(self, order_no: int) -> None:
        """This order has been compared after all."""
        self._sqlite.execute("DELETE FROM moved WHERE order_no = ?", (order_no,))

    def unsettled(self) -> int:
        """Return how many orders have moved and not settled."""
        return int(self._sqlite.execute("SELECT count(*) FROM moved").fetchone()[0])
