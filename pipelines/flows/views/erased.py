"""The customers who asked to be forgotten, as folding knows them."""

from __future__ import annotations

import asyncpg

from pipelines.engine.stores.named_sql import named_sql
from schemas.erasure import ERASED, customer_digest, customers_named
from schemas.views import OrderState

_ERASED = named_sql(__package__, "erased")


class Erased:
    """A container of customer ids, told by their digests. Empty almost everywhere, where it costs next to nothing."""

    def __init__(self, digests: frozenset[bytes] = frozenset()) -> None:
        self._digests = digests

    def __contains__(self, customer_id: object) -> bool:
        return bool(self._digests) and customer_digest(str(customer_id)) in self._digests

    def __or__(self, other: Erased) -> Erased:
        return Erased(self._digests | other._digests)

    def named_in(self, body: bytes) -> bool:
        """Whether a message names one of them, whatever it is."""
        return bool(self._digests) and any(customer in self for customer in customers_named(body))

    def hide_in(self, state: OrderState) -> None:
        """Hide the customer of an order that was written before it was known."""
        if state.customer_id and state.customer_id in self:
            state.customer_id = ERASED


async def read_erased(connection: asyncpg.Connection) -> Erased:
    """Return the list as it stands. Raises as the database does."""
    return Erased(frozenset(row["customer"] for row in await connection.fetch(_ERASED)))
