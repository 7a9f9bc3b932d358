"""Bytes made to break a reader: refused with a reason, or read as what they are."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.orders import parse
from tests.support.events import event


def _with_data(raw: bytes, **attributes: Any) -> bytes:
    """An event whose data holds `raw` under the key `x`, byte by byte."""
    return orjson.dumps(event("A1", "initiated", data={"x": "@"}, **attributes)).replace(b'"@"', raw)


def _refused(body: bytes) -> EventRejected:
    with pytest.raises(EventRejected) as raised:
        parse(body)
    return raised.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{",
        b"{}{}",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"true",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e400}',
        b'{"a": 01}',
        b'{"a": "\x01"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\x80"}',
        b'{"a": "\xf4\x90\x80\x80"}',
        b'{"a": 1,}',
        "{}".encode("utf-16"),
    ],
)
def test_what_is_not_one_json_object_is_unparsable(body: bytes) -> None:
    assert _refused(body).reason is Reason.UNPARSABLE


@pytest.mark.parametrize("depth", [300, 1000])
@pytest.mark.parametrize("raw", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_data_nested_deeper_than_can_be_written_again_is_invalid(depth: int, raw: tuple[bytes, bytes]) -> None:
    opening, closing = raw
    assert _refused(_with_data(opening * depth + b"1" + closing * depth)).reason is Reason.INVALID


def test_data_nested_deeper_than_can_be_read_is_unparsable() -> None:
    assert _refused(_with_data(b"[" * 100_000 + b"]" * 100_000)).reason is Reason.UNPARSABLE


def test_data_of_an_unknown_version_nested_too_deeply_is_invalid_too() -> None:
    body = _with_data(b"[" * 300 + b"]" * 300, type="order.initiated.v2")
    assert _refused(body).reason is Reason.INVALID


def test_data_nested_as_deeply_as_anyone_needs_is_read() -> None:
    assert parse(_with_data(b"[" * 200 + b"]" * 200)).event.subject == "A1"


@pytest.mark.parametrize("depth", [300, 1000])
def test_an_unknown_attribute_may_be_nested_deeper_than_can_be_written_again(depth: int) -> None:
    body = orjson.dumps(event("A1", "initiated", x="@")).replace(b'"@"', b"[" * depth + b"]" * depth)
    assert parse(body).event.subject == "A1"


@pytest.mark.parametrize("number", [b"9" * 20, b"9" * 300, b"-" + b"9" * 40, b"18446744073709551616", b"1e308"])
def test_huge_numbers_are_read(number: bytes) -> None:
    first, again = parse(_with_data(number)), parse(_with_data(number))
    assert first == again
    assert first.content != parse(_with_data(b"1")).content


@pytest.mark.parametrize("quantity", [b"99999999999999999999999", b"1e2", b"-1"])
def test_a_number_out_of_range_is_refused_where_a_number_is_meant(quantity: bytes) -> None:
    body = orjson.dumps(event("A1", "submitted")).replace(b'"quantity":2', b'"quantity":' + quantity)
    assert "quantity" in _refused(body).detail


def test_of_repeated_keys_the_last_counts_everywhere() -> None:
    good = orjson.dumps(event("A1", "initiated", data={"x": 2}))
    repeated = good.replace(b'"subject":', b'"subject":"A9","subject":').replace(b'{"x":2}', b'{"x":1,"x":2}')
    assert repeated.count(b'"subject"') == 2
    assert parse(repeated) == parse(good)


@pytest.mark.parametrize("attribute", ["id", "source", "type", "subject"])
def test_a_nul_in_a_name_is_refused_and_the_name_still_reported(attribute: str) -> None:
    refusal = _refused(orjson.dumps({**event("A1", "initiated"), attribute: "A\x001"}))
    assert refusal.reason is Reason.INVALID
    assert refusal.envelope[attribute] == "A\x001"


def test_a_nul_in_free_text_is_kept() -> None:
    body = orjson.dumps(event("A1", "note_added", data={"text": "a\x00b", "author": "ada"}))
    assert parse(body).event.data.text == "a\x00b"


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "type"])
@pytest.mark.parametrize("value", [{"a": 1}, ["A1"], None, 10**30])
def test_a_name_of_another_kind_is_not_reported(attribute: str, value: Any) -> None:
    body = json.dumps({**event("A1", "initiated"), attribute: value}).encode()
    assert attribute not in _refused(body).envelope


def test_an_event_that_is_both_too_large_and_broken_is_oversized() -> None:
    assert _refused(b"\x00" * 300 * 1024).reason is Reason.OVERSIZED


def test_unknown_versions_are_not_excused_from_anything() -> None:
    with pytest.raises(UnknownVersion):
        parse(_with_data(b"1", type="order.initiated.v2"))
    assert _refused(_with_data(b"1", type="order.initiated.v2", subject="a b")).reason is Reason.INVALID
    assert _refused(_with_data(b"1", type="order.initiated.v2", source="/nobody")).reason is Reason.FORBIDDEN_SOURCE
