"""The envelope: which attributes an event needs, what they may hold, and that unknown ones are kept."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.envelope import MAX_EVENT_BYTES, Envelope
from schemas.errors import EventRejected, Reason
from schemas.orders import parse, validate
from tests.support.events import event

TRACE = "0af7651916cd43dd8448eb211c80319c"


def _accepted(**attributes: Any) -> Envelope:
    return validate(event("A1", "initiated", **attributes)).event


def _refusal(**attributes: Any) -> EventRejected:
    with pytest.raises(EventRejected) as raised:
        validate(event("A1", "initiated", **attributes))
    assert raised.value.reason is Reason.INVALID
    return raised.value


@pytest.mark.parametrize("attribute", ["id", "source", "type", "subject", "time"])
def test_what_an_event_cannot_be_without(attribute: str) -> None:
    fields = event("A1", "initiated")
    del fields[attribute]
    with pytest.raises(EventRejected, match=f"{attribute}: Field required") as raised:
        validate(fields)
    assert raised.value.reason is Reason.INVALID
    present = {name: fields[name] for name in ("source", "id", "type", "subject") if name in fields}
    assert raised.value.envelope == present


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "type"])
@pytest.mark.parametrize("value", ["", None, 7, 1.5, True, [], {}])
def test_names_are_text_and_not_empty(attribute: str, value: Any) -> None:
    assert attribute in _refusal(**{attribute: value}).detail


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "type"])
@pytest.mark.parametrize("control", ["\x00", "\x01", "\t", "\n", "\r", "\x1b", "\x1f", "\x7f"])
@pytest.mark.parametrize("place", ["{}x", "x{}y", "x{}"])
def test_names_hold_no_control_characters(attribute: str, control: str, place: str) -> None:
    assert attribute in _refusal(**{attribute: place.format(control)}).detail


@pytest.mark.parametrize(
    "subject", ["A1", "acme:7", "00000000-1111", "заказ-1", "注文", "\U0001f4e6", "é", "a&b", "%41", "x" * 128]
)
def test_an_order_id_may_be_any_printable_text_without_white_space(subject: str) -> None:
    assert _accepted(subject=subject).subject == subject


@pytest.mark.parametrize("subject", ["a b", " a", "a ", "a/b", "/a", "a?b", "a#b", "x" * 129])
def test_an_order_id_needs_no_escaping_in_an_address(subject: str) -> None:
    assert "subject" in _refusal(subject=subject).detail


@pytest.mark.parametrize("event_type", ["order.žádost.v1", "order initiated", "заказ", "x" * 129])
def test_a_type_is_printable_ascii_for_it_is_the_filter_value_too(event_type: str) -> None:
    assert "type" in _refusal(type=event_type).detail


def test_an_id_may_hold_any_printable_character() -> None:
    assert _accepted(id="заказ 1/№?#~").id == "заказ 1/№?#~"
    assert _accepted(id="x" * 256).id == "x" * 256
    _refusal(id="x" * 257)


def test_unknown_attributes_are_kept() -> None:
    extra = {"shopregion": "eu", "n": 3, "nested": {"a": [1, None]}, "trace_id": "not ours", "model_config": 1}
    event_ = _accepted(**extra)
    assert event_.model_extra == extra
    assert event_.trace_id == TRACE
    assert event_.model_dump()["shopregion"] == "eu"


@pytest.mark.parametrize("version", ["0.3", "1", "1.1", 1.0, None])
def test_only_cloudevents_1_0_is_read(version: Any) -> None:
    assert "specversion" in _refusal(specversion=version).detail


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{TRACE}-b7ad6b7169203331-00", TRACE),
        (f"cc-{TRACE}-b7ad6b7169203331-01-what-the-future-holds", TRACE),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        (f"00-{TRACE[:-1]}-b7ad6b7169203331-01", None),
        (f" 00-{TRACE}-b7ad6b7169203331-01", None),
        (TRACE, None),
        ("garbage\x00\n", None),
        ("", None),
        (None, None),
        (7, None),
        ([f"00-{TRACE}-b7ad6b7169203331-01"], None),
        ({}, None),
    ],
)
def test_a_broken_trace_is_none_and_never_an_error(traceparent: Any, trace_id: str | None) -> None:
    assert _accepted(traceparent=traceparent, tracestate=traceparent).trace_id == trace_id


def test_an_event_without_tracing_has_no_trace_id() -> None:
    fields = event("A1", "initiated")
    del fields["traceparent"]
    assert validate(fields).event.trace_id is None


@pytest.mark.parametrize("value", ["e30=", "", None])
def test_data_base64_is_refused_even_beside_data(value: Any) -> None:
    assert "data_base64" in _refusal(data_base64=value).detail


@pytest.mark.parametrize(
    "value", ["application/json", "Application/JSON", "application/json; charset=utf-8", "text/json", None]
)
def test_json_data_may_say_so(value: str | None) -> None:
    assert _accepted(datacontenttype=value).datacontenttype == value


@pytest.mark.parametrize("value", ["text/plain", "application/xml", "application/jsonp", "", 5])
def test_other_data_is_refused(value: Any) -> None:
    assert "datacontenttype" in _refusal(datacontenttype=value).detail


def test_an_event_may_be_as_large_as_the_limit_and_no_larger() -> None:
    empty = len(orjson.dumps(event("A1", "initiated", data={"x": ""})))
    largest = orjson.dumps(event("A1", "initiated", data={"x": "y" * (MAX_EVENT_BYTES - empty)}))
    assert len(largest) == MAX_EVENT_BYTES
    assert parse(largest).event.subject == "A1"
    with pytest.raises(EventRejected) as raised:
        parse(largest + b" ")
    assert raised.value.reason is Reason.OVERSIZED
    assert raised.value.envelope == {}
    assert str(MAX_EVENT_BYTES + 1) in raised.value.detail


def test_an_event_cannot_be_changed() -> None:
    event_ = _accepted()
    with pytest.raises(ValueError, match="frozen"):
        setattr(event_, "subject", "A2")  # noqa: B010 - mypy knows that it is frozen, too


@pytest.mark.parametrize("subject", [".", ".."])
def test_an_order_id_that_a_browser_takes_for_a_place_is_refused(subject: str) -> None:
    fields = {**event("A1", "note_added"), "subject": subject}
    with pytest.raises(ValueError, match=r"is not \. or \.\."):
        Envelope.model_validate(fields)
    assert Envelope.model_validate({**fields, "subject": "..."}).subject == "..."
