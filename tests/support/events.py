"""Order events for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.engine.transport import Message

SOURCES = {
    "initiated": "/shop", "file_uploaded": "/shop", "submitted": "/shop", "price_calculated": "/pricing",
    "price_failed": "/pricing", "manufacturing_approved": "/crm", "manufacturing_started": "/mes",
    "manufacturing_completed": "/mes", "packaging": "/mes", "shipped": "/mes", "closed": "/crm", "cancelled": "/crm",
    "revised": "/shop", "price_retry_requested": "/crm", "note_added": "/operators", "correction": "/operators",
    "dropped": "/operators", "released": "/operators",
}  # fmt: skip

DATA: dict[str, dict[str, Any]] = {
    "file_uploaded": {"file_name": "part.stl"},
    "submitted": {"customer_id": "c1", "items": [{"item_id": "i1", "quantity": 2}]},
    "price_calculated": {"price": {"amount": "12.50", "currency": "EUR"}},
    "price_failed": {"reason": "the mesh is not closed"},
    "cancelled": {"reason": "changed my mind"},
    "note_added": {"text": "called the customer", "author": "ada"},
    "correction": {"reason": "typo", "author": "ada"},
    "dropped": {"reason": "test order", "author": "ada", "event": {"source": "/shop", "id": "x"}},
    "released": {"author": "ada"},
}

LIFE = (
    "initiated", "file_uploaded", "submitted", "price_calculated", "manufacturing_approved", "manufacturing_started",
    "manufacturing_completed", "packaging", "shipped", "closed",
)  # fmt: skip

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event(
    order_id: str, name: str, *, event_id: str | None = None, hour: float | None = None, **attributes: Any
) -> dict[str, Any]:
    """Return a good `order.<name>.v1` event; its time is START plus `hour` (default: its place in the life)."""
    at = hour if hour is not None else (LIFE.index(name) if name in LIFE else 0)
    return {
        "specversion": "1.0",
        "id": event_id or f"{order_id}-{name}",
        "source": SOURCES.get(name, "/shop"),
        "type": f"order.{name}.v1",
        "subject": order_id,
        "time": (START + timedelta(hours=at)).isoformat(),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": DATA.get(name, {}),
        **attributes,
    }


def message(fields: dict[str, Any]) -> Message:
    """Return the event as a message to publish."""
    return Message(fields["subject"], orjson.dumps(fields), fields["id"], fields["type"])


def life(order_id: str, *names: str) -> list[dict[str, Any]]:
    """Return an order's events, by default its whole life."""
    return [event(order_id, name) for name in names or LIFE]
