"""What a partition's owner remembers of the orders it has just changed, so that it need not ask for them again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S")

MOST = 2_000
"""So many orders of a partition are remembered: those changed last."""


class Known(NamedTuple, Generic[S]):
    """An order's number and its state, which no event of it waits parked behind."""

    order_no: int
    state: S


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
