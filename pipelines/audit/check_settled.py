"""Is a message in quarantine said to be settled by the event that settles it, and is none that no event settles?"""

from __future__ import annotations

import asyncpg

from pipelines.audit.findings import Findings
from pipelines.audit.messages import CORRECTION
from pipelines.audit.order import Ledgered, Order
from pipelines.audit.report import Kind
from pipelines.engine.stores.named_sql import named_sql
from schemas.streams import partition_of

_SETTLED = named_sql(__package__, "settled")


class SettledCheck:
    """Takes note of what operators' events settle, order by order; then compares it with the table."""

    def __init__(self) -> None:
        self._said: dict[str, list[tuple[int, int, str, str]]] = {}

    def take(self, order: Order, says: Ledgered) -> None:
        """Note what the order's events settle that took effect."""
        for event in says.due:
            if event.settles is not None:
                how = "corrected" if event.event_type == CORRECTION else "dropped"
                said = event.recorded_ms, event.offset, order.order_id, how
                if said not in (known := self._said.setdefault(event.settles, [])):
                    known.append(said)

    async def run(self, connection: asyncpg.Connection, cutoffs: dict[int, int], found: Findings) -> None:
        """Compare. What an event behind the cutoffs settles is left aside. Raises as the database does."""
        said = dict(self._said)
        for row in await connection.fetch(_SETTLED):
            place, by = row["place"], (row["by_offset"], row["order_id"], row["how"])
            known = sorted(said.pop(place, []))
            first = next(
                (one for one in known if one[:2] == known[0][:2] and one[1:] == by), known[0] if known else None
            )
            later = row["order_id"] is not None and by[0] >= cutoffs[partition_of(row["order_id"], len(cutoffs))]
            if not later and (first is None or first[1:] != by):
                right = "no event settles it" if first is None else f"it is {first[3]} at {first[2]}/{first[1]} first"
                detail = f"{place} is said to be {row['how']} by offset {by[0]} of {by[1]}, but {right}"
                found.add(Kind.SETTLED, detail, order_id=row["order_id"], offset=by[0])
        for place, events in said.items():
            _, offset, order_id, how = min(events)
            found.add(
                Kind.SETTLED, f"{how} {place}, but that is not said to be settled", order_id=order_id, offset=offset
            )
