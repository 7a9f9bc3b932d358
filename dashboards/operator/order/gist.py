"""What an event says, in one line: the note, the price, the reason, the file, the items. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

LONGEST = 500
"""Characters of a gist; the raw event has the rest."""


def gist(event_type: str, body: bytes | None) -> str | None:
    """Return what is worth reading of an event without opening it; None where that is nothing, or the body is gone."""
    told = _TOLD.get(event_type)
    if told is None or not body:
        return None
    try:
        said = told(orjson.loads(body)["data"])
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):  # of an earlier release's making
        return None
    text = "" if said is None else str(said)
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}…") or None


def _items(data: Mapping[str, Any]) -> str | None:
    items = data.get("items") or []
    return ", ".join(f"{item['item_id']} × {item.get('quantity', 1)}" for item in items) or None


def _revised(data: Mapping[str, Any]) -> str | None:
    return " · ".join(filter(None, (data.get("reason"), _items(data)))) or None


def _price(data: Mapping[str, Any]) -> str:
    return f"{data['price']['amount']} {data['price']['currency']}"


def _by(name: str) -> Any:
    """Who says it, and what."""

    def told(data: Mapping[str, Any]) -> str:
        return f"{data['author']}: {data[name]}" if data.get(name) else str(data["author"])

    return told


def _reason(data: Mapping[str, Any]) -> str | None:
    author, reason = data.get("author"), data.get("reason")
    return f"{author}: {reason}" if author else reason


def _corrected(data: Mapping[str, Any]) -> str:
    said = data.get("corrected")
    return f"{data['author']}: {data['reason']}" + (f" → {said['type']}, {said['source']}" if said else "")


_TOLD = {
    "order.file_uploaded.v1": lambda data: data["file_name"],
    "order.submitted.v1": _items,
    "order.revised.v1": _revised,
    "order.price_calculated.v1": _price,
    "order.price_failed.v1": _reason,
    "order.price_retry_requested.v1": _reason,
    "order.cancelled.v1": _reason,
    "order.note_added.v1": _by("text"),
    "order.correction.v1": _corrected,
    "order.dropped.v1": _by("reason"),
    "order.released.v1": _by("reason"),
}
