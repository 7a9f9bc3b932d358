"""What a value must be is said in words: no regular expression reaches a person."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.errors import EventRejected, Reason
from schemas.orders import parse

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "order.submitted.v1",
    "subject": "A-1",
    "time": "2026-03-01T12:00:00Z",
    "data": {},
}

PRICE = {"type": "order.price_calculated.v1", "source": "/pricing"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"subject": "A 1"},
            "subject: text of 1 to 128 characters, without white space, control characters, /, ? and #",
        ),
        ({"subject": "A" * 129}, "subject: text of 1 to 128 characters"),
        ({"subject": ".."}, "subject: an order id is not . or .."),
        ({"id": "a\nb"}, "id: text of 1 to 256 characters, without control characters"),
        ({"id": 7}, "id: text of 1 to 256 characters"),
        ({"source": ""}, "source: text of 1 to 256 characters"),
        ({"type": "order submitted"}, "type: text of 1 to 128 printable ASCII characters, without white space"),
        ({"data": {"partner": "a:b"}}, "data.partner: 1 to 64 of a-z, 0-9, - and _"),
        (
            {**PRICE, "data": {"price": {"amount": "-1", "currency": "EUR"}}},
            'data.price.amount: a decimal string of zero or more, such as "12.50"',
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(EventRejected) as rejected:
        parse(orjson.dumps({**EVENT, **fields}))
    assert rejected.value.reason is Reason.INVALID
    assert rejected.value.detail.startswith(said)
    assert "pattern" not in rejected.value.detail


@pytest.mark.parametrize("field", ["id", "source", "subject", "time"])
def test_what_is_missing_is_called_missing(field: str) -> None:
    with pytest.raises(EventRejected) as rejected:
        parse(orjson.dumps({name: value for name, value in EVENT.items() if name != field}))
    assert rejected.value.detail == f"{field}: Field required"
