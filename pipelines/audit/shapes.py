"""What each event must carry, as one table, and a plain check against it. Shares nothing with the pipeline's models.

Fields beyond the table are nobody's business: they are kept and never make an event invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.lifecycle import may_send, source_kind
from schemas.money import CURRENCIES

Check = Callable[[Any], bool]
"""Says whether a value, as read from JSON, is good."""


class Need(NamedTuple):
    """One field: what its value must be, whether it may be left out, and whether it may be null."""

    good: Check
    may_lack: bool = False
    may_be_null: bool = False


Shape = Mapping[str, Need]


def matching(pattern: str) -> Check:
    """Return a check for text that is wholly of this pattern."""
    matches = re.compile(pattern, re.ASCII).fullmatch
    return lambda value: isinstance(value, str) and matches(value) is not None


def whole(low: int, high: int | None = None) -> Check:
    """Return a check for a whole JSON number in the range; true, false and 1.0 are none."""
    return lambda value: type(value) is int and value >= low and (high is None or value <= high)


def shaped(shape: Shape) -> Check:
    """Return a check for an object of this shape."""
    return lambda value: isinstance(value, dict) and first_fault(shape, value) is None


def listed(item: Check, most: int | None = None) -> Check:
    """Return a check for a list of such items."""
    return lambda value: isinstance(value, list) and (most is None or len(value) <= most) and all(map(item, value))


def first_fault(shape: Shape, fields: Mapping[str, Any]) -> str | None:
    """Return the name of the first field that is missing or wrong; None where all is well."""
    for name, need in shape.items():
        if name not in fields:
            if not need.may_lack:
                return name
        elif fields[name] is None:
            if not need.may_be_null:
                return name
        elif not need.good(fields[name]):
            return name
    return None


name = matching(r"[^\x00-\x1f\x7f]{1,256}")
text = matching(r"(?s:.{1,4000})")
partner = matching(r"[a-z0-9][a-z0-9_-]{0,63}")
amount = matching(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?")


def currency(value: Any) -> bool:
    """Say whether this is an ISO 4217 code."""
    return isinstance(value, str) and value in CURRENCIES


def corrected(value: Any) -> bool:
    """Say whether this is something that happens to an order, of a source that may say so. Of which order, is not
    looked at here."""
    if not isinstance(value, dict) or first_fault(_CORRECTED, value) is not None:
        return False
    event = value["type"].removeprefix("order.").removesuffix(".v1")
    kind = source_kind(value["source"])
    known = value["type"] == f"order.{event}.v1" and event in DATA and event not in _REMARKS
    allowed = known and kind is not None and may_send(kind, event)
    return allowed and first_fault(DATA[event], value.get("data", {})) is None


def _optional(good: Check) -> Need:
    return Need(good, may_lack=True, may_be_null=True)


_ITEM: Shape = {
    "item_id": Need(name),
    "quantity": Need(whole(1, 1_000_000), may_lack=True),
    "material": _optional(name),
}
_EVENT: Shape = {"source": Need(name), "id": Need(name)}
_REMARKS = ("note_added", "correction", "dropped", "released")
_CORRECTED: Shape = {
    "source": Need(name),
    "type": Need(matching(r"[\x21-\x7e]{1,128}")),
    "data": Need(lambda value: isinstance(value, dict), may_lack=True),
}
_MONEY: Shape = {"amount": Need(amount), "currency": Need(currency)}
_CUSTOMER: Shape = {"customer_id": _optional(name), "partner": _optional(partner)}

DATA: Mapping[str, Shape] = {
    "initiated": _CUSTOMER,
    "file_uploaded": {"file_name": Need(name), "size_bytes": _optional(whole(0))},
    "submitted": {**_CUSTOMER, "items": Need(listed(shaped(_ITEM), most=10_000), may_lack=True)},
    "price_calculated": {"price": Need(shaped(_MONEY))},
    "price_failed": {"reason": Need(text)},
    "manufacturing_approved": {},
    "manufacturing_started": {},
    "manufacturing_completed": {},
    "packaging": {},
    "shipped": {},
    "closed": {},
    "cancelled": {"reason": Need(text)},
    "revised": {"reason": _optional(text), "items": _optional(listed(shaped(_ITEM)))},
    "price_retry_requested": {},
    "note_added": {"text": Need(text), "author": Need(name)},
    "correction": {
        "author": Need(name),
        "reason": Need(text),
        "event": _optional(shaped(_EVENT)),
        "corrected": _optional(corrected),
    },
    "dropped": {"author": Need(name), "reason": Need(text), "event": Need(shaped(_EVENT))},
    "released": {"author": Need(name), "reason": _optional(text)},
}
"""What the data of `order.<name>.v1` must hold. An event of no name in here is of an unknown type: any data will do."""
