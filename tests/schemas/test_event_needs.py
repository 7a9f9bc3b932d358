"""What each order event needs in its data, and what it refuses."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.errors import EventRejected, Reason
from schemas.orders import EVENTS, parse, validate
from tests.support.events import DATA, event

NAMES = """
    initiated file_uploaded submitted price_calculated price_failed manufacturing_approved manufacturing_started
    manufacturing_completed packaging shipped closed cancelled revised price_retry_requested note_added correction
    dropped released
""".split()

NEEDS = {
    "file_uploaded": ["file_name"],
    "price_calculated": ["price"],
    "price_failed": ["reason"],
    "cancelled": ["reason"],
    "note_added": ["text", "author"],
    "correction": ["author", "reason"],
    "dropped": ["author", "reason", "event"],
    "released": ["author"],
}
"""The others need nothing in their data."""


def test_the_order_events_are_these() -> None:
    assert list(EVENTS) == [f"order.{name}.v1" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_an_event_with_what_it_needs_is_read_as_its_own_kind(name: str) -> None:
    found = parse(orjson.dumps(event("A1", name))).event
    assert type(found) is EVENTS[f"order.{name}.v1"]
    assert found.model_dump(exclude_unset=True)["data"] == DATA.get(name, {})


@pytest.mark.parametrize("name", NAMES)
def test_unknown_data_is_kept(name: str) -> None:
    data = {**DATA.get(name, {}), "colour": "red", "nested": {"deep": [1, None, "x"]}}
    found = validate(event("A1", name, data=data)).event
    assert found.model_dump(exclude_unset=True)["data"] == data


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in NEEDS.items() for field in fields])
def test_an_event_that_lacks_what_it_needs_is_refused(name: str, field: str) -> None:
    data = {key: value for key, value in DATA[name].items() if key != field}
    with pytest.raises(EventRejected, match=f"data.{field}: Field required") as raised:
        validate(event("A1", name, data=data))
    assert raised.value.reason is Reason.INVALID
    assert raised.value.envelope == {
        "source": event("A1", name)["source"], "id": f"A1-{name}", "type": f"order.{name}.v1", "subject": "A1"
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEEDS])
def test_the_others_need_no_more_than_an_object(name: str) -> None:
    assert validate(event("A1", name, data={})).event.subject == "A1"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_the_data_of_an_order_event_is_an_object(name: str, data: Any) -> None:
    with pytest.raises(EventRejected, match="data") as raised:
        validate(event("A1", name, data=data))
    assert raised.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("initiated", {"customer_id": 5}),
        ("initiated", {"customer_id": ""}),
        ("initiated", {"customer_id": "c\x00"}),
        ("initiated", {"partner": "Acme"}),
        ("initiated", {"partner": "a b"}),
        ("initiated", {"partner": "acme\n"}),
        ("initiated", {"partner": ""}),
        ("initiated", {"partner": "a:b"}),
        ("initiated", {"partner": "x" * 65}),
        ("file_uploaded", {"file_name": ""}),
        ("file_uploaded", {"file_name": 5}),
        ("file_uploaded", {"size_bytes": -1}),
        ("file_uploaded", {"size_bytes": "5"}),
        ("file_uploaded", {"size_bytes": 5.0}),
        ("file_uploaded", {"size_bytes": True}),
        ("submitted", {"items": None}),
        ("submitted", {"items": {}}),
        ("submitted", {"items": ["i1"]}),
        ("submitted", {"items": [{}]}),
        ("submitted", {"items": [{"item_id": 1}]}),
        ("submitted", {"items": [{"item_id": "i", "quantity": 0}]}),
        ("submitted", {"items": [{"item_id": "i", "quantity": "2"}]}),
        ("submitted", {"items": [{"item_id": "i", "quantity": 1.0}]}),
        ("submitted", {"items": [{"item_id": "i", "quantity": True}]}),
        ("submitted", {"items": [{"item_id": "i", "quantity": 1_000_001}]}),
        ("submitted", {"items": [{"item_id": "i", "material": ""}]}),
        ("submitted", {"items": [{"item_id": "i"}] * 10_001}),
        ("price_failed", {"reason": ""}),
        ("price_failed", {"reason": "x" * 4001}),
        ("cancelled", {"reason": None}),
        ("revised", {"items": [{"item_id": "i", "quantity": 0}]}),
        ("revised", {"reason": 5}),
        ("note_added", {"text": ""}),
        ("note_added", {"author": "a\x07"}),
        ("correction", {"event": {"id": "1"}}),
        ("dropped", {"event": None}),
        ("dropped", {"event": {"source": "/shop"}}),
        ("dropped", {"event": {"source": "/shop", "id": ""}}),
        ("released", {"author": ""}),
        ("released", {"reason": ""}),
    ],
)
def test_data_that_makes_no_sense_is_refused(name: str, changed: dict[str, Any]) -> None:
    with pytest.raises(EventRejected, match=r"^invalid: data\."):
        validate(event("A1", name, data={**DATA.get(name, {}), **changed}))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("initiated", {"customer_id": None, "partner": None}),
        ("initiated", {"partner": "acme-2_x"}),
        ("file_uploaded", {"size_bytes": 0}),
        ("file_uploaded", {"size_bytes": None}),
        ("submitted", {"items": []}),
        ("submitted", {"items": [{"item_id": "i"}] * 10_000}),
        ("submitted", {"items": [{"item_id": "i", "quantity": 1_000_000, "material": None}]}),
        ("price_failed", {"reason": "line\nbreaks\tare fine"}),
        ("revised", {"reason": None, "items": None}),
        ("correction", {"event": {"source": "/shop", "id": "1"}}),
        ("released", {"reason": "mended"}),
    ],
)
def test_data_at_the_edges_is_accepted(name: str, changed: dict[str, Any]) -> None:
    assert validate(event("A1", name, data={**DATA.get(name, {}), **changed})).event.subject == "A1"
