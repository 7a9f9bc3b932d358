"""Whatever comes, `parse` refuses it with a reason or returns an event the stores can keep."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.envelope import Envelope, Identified
from schemas.errors import EventRejected, UnknownVersion
from schemas.orders import EVENTS, Initiated, PriceCalculated, Submitted, parse
from tests.support.events import LIFE, event


def _dumps(value: Any) -> bytes:
    """Write JSON as the standard library does: other than orjson, it has no limits."""
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["12.50", "EUR", "2026-03-01T12:00:00Z", "2016-12-31T23:59:60+05:30", "\x00", "a\nb", "x" * 300])
)
JSON = st.recursive(
    JSON_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)

NAMES = sorted(event_type.split(".")[1] for event_type in EVENTS)
SOURCES = ["/shop", "/crm", "/mes", "/pricing", "/operators", "/partners/acme", "/partners/a:b", "/nobody"]
ATTRIBUTES = [
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "traceparent",
    "tracestate", "data", "data_base64", "shopregion",
]  # fmt: skip
DATA_FIELDS = [
    "customer_id", "partner", "items", "file_name", "size_bytes", "price", "reason", "text", "author", "event", "extra"
]  # fmt: skip


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A good event with some of its attributes, some of its data, or some of its bytes changed."""
    fields = event(draw(st.sampled_from(["A1", "acme:1", "заказ"])), draw(st.sampled_from(NAMES)))
    fields["data"] = dict(fields["data"])
    if draw(st.booleans()):
        fields["source"] = draw(st.sampled_from(SOURCES))
    if draw(st.integers(0, 3)) == 0:
        version = draw(st.sampled_from(["v1", "v2", "v01", "v1 "]))
        fields["type"] = f"order.{draw(st.sampled_from(NAMES))}.{version}"
    for _ in range(draw(st.integers(0, 2))):
        fields[draw(st.sampled_from(ATTRIBUTES))] = draw(JSON)
    if isinstance(fields["data"], dict):
        for _ in range(draw(st.integers(0, 2))):
            fields["data"][draw(st.sampled_from(DATA_FIELDS))] = draw(JSON)
    for name in draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=1)):
        fields.pop(name, None)
    body = bytearray(_dumps(fields))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body)


def _read(body: bytes) -> tuple[Identified, bool] | EventRejected:
    """The event and whether this release can read it, or why it is refused. Anything else raised is a failure."""
    try:
        return parse(body), True
    except UnknownVersion as unknown:
        return unknown.identified, False
    except EventRejected as refusal:
        return refusal


def _storable(event_: Envelope) -> None:
    """Postgres text holds any UTF-8 but NUL; timestamptz, numeric and the message's filter value their own."""
    texts = [event_.source, event_.id, event_.type, event_.subject, event_.trace_id or ""]
    if isinstance(event_, Initiated | Submitted):
        texts += [event_.data.customer_id or "", event_.data.partner or ""]
    for text in texts:
        assert "\x00" not in text
        assert text.encode().decode() == text
    assert event_.type.isascii()
    assert event_.time.tzinfo is UTC
    if isinstance(event_, PriceCalculated):
        assert event_.data.price.value.is_finite()
        assert event_.data.price.value >= 0


def _check(body: bytes) -> None:
    found = _read(body)
    if isinstance(found, EventRejected):
        assert found.detail
        assert all(isinstance(value, str) for value in found.envelope.values())
        return
    identified, _ = found
    _storable(identified.event)
    assert len(identified.identity) == 16
    assert -(2**63) <= identified.content < 2**63
    assert _read(body) == found
    assert _read(orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)) == found


@given(st.binary(max_size=200) | JSON.map(_dumps))
@example(b"{}")
def test_arbitrary_bytes(body: bytes) -> None:
    _check(body)


@given(_mutated())
def test_good_events_with_something_changed(body: bytes) -> None:
    _check(body)


@pytest.mark.parametrize("name", LIFE)
def test_the_fuzz_begins_from_events_that_are_good(name: str) -> None:
    assert not isinstance(_read(orjson.dumps(event("acme:1", name))), EventRejected)
