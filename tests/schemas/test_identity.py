"""Who an event is, and what it says: what counts and what does not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Identified
from schemas.errors import UnknownVersion
from schemas.identity import IDENTITY_BYTES, content_digest, identity
from schemas.orders import parse
from tests.support.events import event

SUBMITTED = event("acme:1", "submitted", data={"customer_id": "c1", "items": [{"item_id": "i1", "quantity": 2}]})


def _read(fields: dict[str, Any] | bytes) -> Identified:
    try:
        return parse(fields if isinstance(fields, bytes) else orjson.dumps(fields))
    except UnknownVersion as unknown:
        return unknown.identified


def test_an_identity_is_sixteen_bytes_and_a_digest_fits_a_bigint() -> None:
    found = _read(SUBMITTED)
    assert len(found.identity) == IDENTITY_BYTES == 16
    assert -(2**63) <= found.content < 2**63


def test_the_digests_of_events_stored_long_ago_do_not_change() -> None:
    """Ledgers hold these: another value would make every repeated event count twice."""
    assert identity("/shop", "A1-submitted").hex() == "a77acbdff192d784f5cc746e4efa0edb"  # b2sum -l 128
    assert content_digest("order.submitted.v1", "A1", {"b": 1, "a": {"d": "é", "c": None}}) == 2478413849457588681


@pytest.mark.parametrize(
    "changed",
    [{"time": "2031-01-01T00:00:00Z"}, {"traceparent": None}, {"tracestate": "x=y"}, {"shopregion": "eu"},
     {"dataschema": "https://example.org/x"}, {"datacontenttype": "application/json"}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_an_honest_retry_says_the_same(changed: dict[str, Any]) -> None:
    first, again = _read(SUBMITTED), _read({**SUBMITTED, **changed})
    assert (again.identity, again.content) == (first.identity, first.content)


def test_neither_key_order_nor_white_space_counts() -> None:
    turned = {key: SUBMITTED[key] for key in reversed(SUBMITTED)}
    turned["data"] = {"items": [{"quantity": 2, "item_id": "i1"}], "customer_id": "c1"}
    written = orjson.dumps(turned, option=orjson.OPT_INDENT_2)
    first, again = _read(SUBMITTED), _read(written)
    assert (again.identity, again.content) == (first.identity, first.content)


def test_how_a_character_is_escaped_does_not_count() -> None:
    plain = orjson.dumps({**SUBMITTED, "data": {"customer_id": "é"}})
    escaped = plain.replace("é".encode(), b"\\u00e9")
    assert escaped != plain
    assert _read(escaped) == _read(plain)


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "acme:2"},
        {"type": "order.submitted.v2"},
        {"data": {}},
        {"data": {"customer_id": "c2", "items": [{"item_id": "i1", "quantity": 2}]}},
        {"data": {"customer_id": "c1", "items": [{"item_id": "i1", "quantity": 3}]}},
        {"data": {"customer_id": "c1", "items": [{"item_id": "i1", "quantity": 2}], "colour": None}},
        {"data": {"customer_id": "c1", "items": [{"item_id": "i1", "quantity": 2, "x": ""}]}},
    ],
)
def test_other_type_subject_or_data_is_other_content_under_the_same_identity(changed: dict[str, Any]) -> None:
    first, other = _read(SUBMITTED), _read({**SUBMITTED, **changed})
    assert other.identity == first.identity
    assert other.content != first.content


def test_the_order_of_a_list_counts() -> None:
    items = [{"item_id": "i1"}, {"item_id": "i2"}]
    first = _read({**SUBMITTED, "data": {"items": items}})
    other = _read({**SUBMITTED, "data": {"items": items[::-1]}})
    assert other.content != first.content


@pytest.mark.parametrize("changed", [{"id": "another"}, {"source": "/partners/acme"}])
def test_another_id_or_source_is_another_event_that_says_the_same(changed: dict[str, Any]) -> None:
    first, other = _read(SUBMITTED), _read({**SUBMITTED, **changed})
    assert other.identity != first.identity
    assert other.content == first.content


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@given(NAMES, NAMES, NAMES, NAMES)
def test_no_two_pairs_of_source_and_id_share_an_identity(source: str, event_id: str, other: str, another: str) -> None:
    same = (source, event_id) == (other, another)
    assert (identity(source, event_id) == identity(other, another)) is same


@given(NAMES, st.integers(0, 7))
def test_where_source_ends_and_id_begins_counts(text: str, place: int) -> None:
    one = identity(text[:place], text[place:])
    assert all(one != identity(text[:k], text[k:]) for k in range(len(text) + 1) if k != min(place, len(text)))
