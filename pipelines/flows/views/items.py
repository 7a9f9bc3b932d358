"""Which orders ever had an item: what a search by item finds."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.engine.instance.projection import OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.writes import Write
from schemas.orders import Revised, Submitted, effective
from schemas.views import OrderState, TimelineEntry

_ADD = named_sql(__package__, "order_items_add")


def writes(changes: Sequence[OrderChange[OrderState, TimelineEntry]]) -> list[Write]:
    """Return what enters the items that the events name, or nothing."""
    found = sorted(
        {
            (item.item_id, change.order_no)
            for change in changes
            for arrived, _ in change.entries
            if isinstance(event := effective(arrived.event), Submitted | Revised)
            for item in event.data.items or ()
        }
    )
    if not found:
        return []
    return [Write("order_items_add", _ADD, ([item for item, _ in found], [number for _, number in found]))]
