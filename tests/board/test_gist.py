"""What an event says, in a line."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.operator.order.gist import LONGEST, gist
from schemas.orders import EVENTS
from tests.support.events import DATA, event

NAMES = ["data", "author", "items", "item_id", "file_name", "price", "reason", "text", "corrected"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


def of(name: str, data: dict[str, Any] | None = None) -> str | None:
    """Return the gist of an event with this data, or that of tests."""
    fields = event("A", name, data=DATA.get(name, {}) if data is None else data)
    return gist(fields["type"], orjson.dumps(fields))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("initiated", None),
        ("file_uploaded", "part.stl"),
        ("submitted", "i1 × 2"),
        ("price_calculated", "12.50 EUR"),
        ("price_failed", "the mesh is not closed"),
        ("shipped", None),
        ("cancelled", "changed my mind"),
        ("note_added", "ada: called the customer"),
        ("correction", "ada: typo"),
        ("dropped", "ada: test order"),
        ("released", "ada"),
        ("revised", None),
        ("price_retry_requested", None),
    ],
)
def test_each_event_in_a_line(name: str, said: str | None) -> None:
    assert of(name) == said


def test_what_a_correction_says_should_have_been_said() -> None:
    said = {"source": "/mes", "type": "order.shipped.v1", "data": {}}
    assert (
        of("correction", {"author": "ada", "reason": "late", "corrected": said}) == "ada: late → order.shipped.v1, /mes"
    )


def test_a_revision_says_why_and_what() -> None:
    assert of("revised", {"reason": "wider", "items": [{"item_id": "i1"}]}) == "wider · i1 × 1"


def test_what_is_long_is_cut() -> None:
    said = of("note_added", {"author": "ada", "text": "x" * 4000})
    assert said is not None
    assert said == f"ada: {'x' * (LONGEST - 5)}…"


@pytest.mark.parametrize("body", [None, b"", b"no JSON", b"[]", b"{}"])
def test_what_is_gone_or_no_event_says_nothing(body: bytes | None) -> None:
    assert gist("order.note_added.v1", body) is None


@given(st.sampled_from(sorted(EVENTS)), JSON)
def test_whatever_an_earlier_release_accepted_breaks_no_page(event_type: str, data: Any) -> None:
    said = gist(event_type, orjson.dumps({"data": data}))
    assert said is None or isinstance(said, str)
