"""What somebody looks for by one word: an order's id, or its beginning, a customer, a partner, an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboards.operator.database import Database
from pipelines.engine.stores.named_sql import named_sql

SHOWN = 50

_FIND = named_sql(__package__, "find")
_BEGINNING = named_sql(__package__, "beginning")
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """What a word is: the id of an order, a customer, a partner, an item; and the ids that begin with it, at most
    `SHOWN`."""

    order: bool
    customer: bool
    partner: bool
    item: bool
    beginning: tuple[str, ...]

    @property
    def fields(self) -> list[str]:
        """The fields of a question that it may stand in."""
        return [name for name in ("partner", "customer", "item") if getattr(self, name)]


async def find(database: Database, word: str) -> Found:
    """Return what the word is. Raises StoreError."""
    async with database.snapshot("find") as (connection, _):
        row: Any = await connection.fetchrow(_FIND, word)
        ids = await connection.fetch(_BEGINNING, word, word + _LAST, SHOWN)
    return Found(**row, beginning=tuple(found["order_id"] for found in ids))
