"""Messages in quarantine that operators have settled: dropped, or corrected by an event that says it right."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.engine.instance.projection import OrderChange
from pipelines.engine.stores.set_aside import Settlement, settlements
from pipelines.engine.stores.writes import Write
from schemas.orders import Correction, settles
from schemas.views import OrderState, TimelineEntry


def writes(changes: Sequence[OrderChange[OrderState, TimelineEntry]]) -> list[Write]:
    """Return what says which messages are settled, and by which event; or nothing."""
    found: dict[tuple[int, int], Settlement] = {}
    for change in changes:
        for arrived, _ in change.entries:
            event, place = arrived.event, settles(arrived.event)
            if place is None or (place in found and found[place].by_offset < arrived.offset):
                continue
            how = "corrected" if isinstance(event, Correction) else "dropped"
            found[place] = Settlement(
                *place, how, event.data.author, change.order_no, arrived.offset, arrived.recorded_at
            )
    return [settlements(list(found.values()))] if found else []
