"""The customers who asked to be forgotten, as folding knows them."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.stores.writes import Write
from schemas.erasure import ERASED, customer_digest, customers_named
from schemas.views import OrderState

_ERASED = named_sql(__package__, "erased")
_QUARANTINE_HIDE = named_sql(__package__, "quarantine_hide")
_ERASING = named_sql(__package__, "erasing")


class Erased:
    """A container of customer ids, told by their digests. Empty almost everywhere, where it costs next to nothing.

    It also knows the numbers of `orders` whose rows an erasure is about to take them out of.
    """

    def __init__(self, digests: frozenset[bytes] = frozenset(), orders: frozenset[int] = frozenset()) -> None:
        self._digests = digests
        self._orders = orders

    def __contains__(self, customer_id: object) -> bool:
        return bool(self._digests) and customer_digest(str(customer_id)) in self._digests

    def __or__(self, other: Erased) -> Erased:
        return Erased(self._digests | other._digests, self._orders | other._orders)

    def named_in(self, body: bytes) -> bool:
        """Whether a message names one of them, whatever it is."""
        return bool(self._digests) and any(customer in self for customer in customers_named(body))

    def hides(self, messages: Sequence[QuarantineRow]) -> list[Write]:
        """Return what empties those messages that are of an erased customer's order, as that is after the batch."""
        if not self._digests or not messages:
            return []
        places = [row.partition for row in messages], [row.stream_offset for row in messages]
        return [Write("quarantine_hide", _QUARANTINE_HIDE, places, apart=True)]

    def hide_in(self, order_no: int, state: OrderState) -> None:
        """Hide the customer of an order that was written before it was known whose it is, or once was."""
        if order_no in self._orders or (state.customer_id and state.customer_id in self):
            state.customer_id = ERASED


async def read_erased(connection: asyncpg.Connection) -> Erased:
    """Return the list as it stands. Raises as the database does."""
    customers = frozenset(row["customer"] for row in await connection.fetch(_ERASED))
    # Nobody is erasing where nobody was erased.
    orders = frozenset(row["order_no"] for row in await connection.fetch(_ERASING)) if customers else frozenset[int]()
    return Erased(customers, orders)
