"""The audit's own checks of a message agree with the models the pipeline uses; neither knows the other."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.audit.digests import content_of, identity_of
from pipelines.audit.messages import Event, Rejected, read_message
from pipelines.audit.shapes import DATA
from schemas.envelope import MAX_EVENT_BYTES
from schemas.errors import EventRejected, UnknownVersion
from schemas.identity import content_digest, identity
from schemas.orders import EVENTS, parse
from tests.audit.strategies import VALUES, Fields, careless_events, good_events
from tests.support.events import event

Verdict = tuple[Any, ...]


def by_the_models(body: bytes) -> Verdict:
    try:
        identified, readable = parse(body), True
    except EventRejected as error:
        return (error.reason,)
    except UnknownVersion as error:
        identified, readable = error.identified, False
    event = identified.event
    return event.subject, identified.identity, identified.content, event.time, event.trace_id, readable


def by_the_audit(body: bytes) -> Verdict:
    message = read_message(body)
    if isinstance(message, Rejected):
        return (message.reason,)
    return message.order_id, message.identity, message.content, message.time, message.trace_id, message.readable


@settings(max_examples=3000, deadline=None)
@given(careless_events())
def test_both_say_the_same_of_what_careless_producers_send(fields: Fields) -> None:
    body = orjson.dumps(fields)
    assert by_the_audit(body) == by_the_models(body), body


@settings(max_examples=500, deadline=None)
@given(good_events())
def test_both_accept_good_events(fields: Fields) -> None:
    body = orjson.dumps(fields)
    assert isinstance(read_message(body), Event)
    assert by_the_audit(body) == by_the_models(body)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(orjson.dumps))
@example(b"")
@example(b"[]")
@example(b"null")
@example(b'{"id": "\xed\xa0\xbd"}')
@example(b" " * (MAX_EVENT_BYTES + 1))
@example(b'{"a":NaN}')
@example(b'{"id":1,"id":1000000000000000000000000000000}')
def test_both_say_the_same_of_what_is_no_event_at_all(body: bytes) -> None:
    assert by_the_audit(body) == by_the_models(body)


@pytest.mark.parametrize("size", [MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1])
def test_both_draw_the_line_at_the_same_size(size: int) -> None:
    body = orjson.dumps(event("A1", "shipped"))
    body += b" " * (size - len(body))
    assert by_the_audit(body) == by_the_models(body)


@pytest.mark.parametrize("depth", [200, 254, 255, 300, 1000, 1100])
def test_both_draw_the_line_at_the_same_depth(depth: int) -> None:
    head, tail = orjson.dumps(event("A1", "shipped", data={"x": 0})).split(b'{"x":0}')
    body = head + b'{"x":' + b"[" * depth + b"]" * depth + b"}" + tail
    assert by_the_audit(body) == by_the_models(body)


def test_every_value_was_seen_in_every_attribute() -> None:
    """The mutations above are drawn at random; these are all of one kind."""
    plain = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "traceparent")
    for name in (*plain, "data"):
        for value in VALUES:
            body = orjson.dumps({**event("acme:P1", "submitted"), name: value})
            assert by_the_audit(body) == by_the_models(body), (name, value)


def test_every_value_was_seen_in_every_field_of_every_type() -> None:
    for event_name, shape in DATA.items():
        good = event("A1", event_name)
        for name in shape:
            for value in VALUES:
                body = orjson.dumps({**good, "data": {**good["data"], name: value}})
                assert by_the_audit(body) == by_the_models(body), (event_name, name, value)


def test_the_table_knows_the_types_the_models_know() -> None:
    assert {f"order.{name}.v1" for name in DATA} == set(EVENTS)


@given(st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.floats(0, 1e300)))
def test_the_digests_are_those_of_the_ledger(first: str, second: str, third: str, data: dict[str, Any]) -> None:
    assert identity_of(first, second) == identity(first, second)
    assert content_of(first, second, {third: data}) == content_digest(first, second, {third: data})
