"""Tell an order's story to `fold`, event by event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from processors.orders.fold import fold
from schemas.envelope import Envelope
from schemas.orders import parse
from schemas.views import OrderState, TimelineEntry
from tests.support.events import event

RECORDED = datetime(2026, 3, 10, tzinfo=UTC)
"""When the log recorded the first event of a story; the next ones follow a second apart."""


def read(order_id: str, name: str, **attributes: Any) -> Envelope:
    """Return the event as it arrives."""
    return parse(orjson.dumps(event(order_id, name, **attributes))).event


def tell(
    events: list[Envelope], state: OrderState | None = None, offset: int = 0
) -> tuple[OrderState, list[TimelineEntry]]:
    """Fold the events in order, at consecutive offsets from `offset`."""
    entries = []
    for place, one in enumerate(events, offset):
        state, entry = fold(state, one, place, RECORDED + timedelta(seconds=place))
        entries.append(entry)
    assert state is not None
    return state, entries


def story(*names: str | tuple[str, dict[str, Any]], order_id: str = "A1") -> tuple[OrderState, list[TimelineEntry]]:
    """Tell of events by name, or by name and attributes."""
    return tell(
        [read(order_id, name) if isinstance(name, str) else read(order_id, name[0], **name[1]) for name in names]
    )
