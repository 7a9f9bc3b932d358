"""Customers who asked to be forgotten: of whom nothing may be left, and of whom something may be gone already."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from pipelines.audit.digests import CUSTOMER_BYTES
from pipelines.engine.stores.named_sql import named_sql

_ERASED = named_sql(__package__, "erased")


class Erased:
    """The list at one moment: each customer's digest, and whether the erasure is `finished`."""

    def __init__(self, finished: dict[bytes, bool]) -> None:
        self._finished = finished

    def may_lack(self, customers: Iterable[bytes | None]) -> bool:
        """Whether the bytes of what names these customers may be gone."""
        return any(customer in self._finished for customer in customers)

    def must_lack(self, customers: Iterable[bytes | None]) -> bool:
        """Whether they have to be."""
        return any(customer is not None and self._finished.get(customer, False) for customer in customers)

    @property
    def all_finished(self) -> bool:
        """Whether nothing is being erased just now."""
        return all(self._finished.values())


async def read_erased(connection: asyncpg.Connection) -> Erased:
    """Return the list as the connection's transaction sees it. Raises as the database does."""
    return Erased({row["customer"]: row["finished"] for row in await connection.fetch(_ERASED)})


def each(digests: bytes) -> list[bytes]:
    """Return the digests that were put one behind the other."""
    return [digests[at : at + CUSTOMER_BYTES] for at in range(0, len(digests), CUSTOMER_BYTES)]
