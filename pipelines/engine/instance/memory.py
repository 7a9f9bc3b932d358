"""What a partition's owner remembers of the orders it has just changed, so that it need not ask for them again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from struct import Struct
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S")

MOST = 1_500
"""So many orders of a partition are remembered: those changed last."""


MOST_EVENTS = 64
"""Of an order that the ledger has more events of, they are not remembered."""

_ENTRY = 24
_content = Struct("!q")


class Entries:
    """All that the ledger has of one order: each event's identity and content, packed, as there are many of them."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes = b"") -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed) // _ENTRY

    def content(self, identity: bytes) -> int | None:
        """Return the content's digest of the event, None where the ledger does not have it."""
        place = self._packed.find(identity)
        while place % _ENTRY and place >= 0:  # by chance, across two entries
            place = self._packed.find(identity, place + 1)
        return None if place < 0 else int(_content.unpack_from(self._packed, place + 16)[0])

    def with_event(self, identity: bytes, content: int) -> Entries | None:
        """Return these entries and one more; None where that is too many."""
        return None if len(self) >= MOST_EVENTS else Entries(self._packed + identity + _content.pack(content))


class Known(NamedTuple, Generic[S]):
    """An order's number and its state, which no event of it waits parked behind.

    `entries` is what the ledger has of it; None where only the ledger knows.
    """

    order_no: int
    state: S
    entries: Entries | None


class Memory(Generic[S]):
    """True only under the owner's epoch, and while it is certain of every batch: whoever doubts must `clear` it."""

    def __init__(self) -> None:
        self._orders: dict[str, Known[S]] = {}

    def recall(self, order_ids: Iterable[str]) -> dict[str, Known[S]]:
        """Return what is known of those of the orders that are remembered."""
        orders = self._orders
        return {order_id: orders[order_id] for order_id in order_ids if order_id in orders}

    def keep(self, order_id: str, known: Known[S]) -> None:
        """Remember an order as it is now."""
        self._orders.pop(order_id, None)
        self._orders[order_id] = known

    def forget(self, order_id: str) -> None:
        """Remember an order no more; it need not have been."""
        self._orders.pop(order_id, None)

    def trim(self) -> None:
        """Forget the orders changed longest ago, down to `MOST`."""
        surplus = max(0, len(self._orders) - MOST)
        for order_id in list(islice(self._orders, surplus)):
            del self._orders[order_id]

    def clear(self) -> None:
        """Forget everything."""
        self._orders.clear()
