"""The body of any client's AMQP message is found, and no bytes break the reader."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.engine.transport import body_of, encode
from pipelines.engine.transport.amqp import _body_of_any
from schemas.errors import EventRejected, Reason
from tests.instance.amqp_messages import (
    ANNOTATIONS,
    APPLICATION,
    DATA,
    DELIVERY,
    FALSE,
    FOOTER,
    HEADER,
    LIST0,
    NULL,
    PROPERTIES,
    SEQUENCE,
    TRUE,
    VALUE,
    array,
    binary,
    list_,
    long_section,
    map_,
    section,
    symbol,
    text,
    timestamp,
    ulong,
    uuid,
)

BODY = b'{"specversion":"1.0","id":"1"}'

# Sections that may stand before the body, each in several encodings.
HEADERS = [
    b"",
    section(HEADER, LIST0),
    section(HEADER, list_(TRUE, b"\x50\x04", NULL, FALSE, b"\x43")),
    section(HEADER, list_(b"\x56\x01", wide=True)),
]
DELIVERIES = [b"", section(DELIVERY, map_(symbol("x-opt-hop"), b"\x55\x07"))]
ANNOTATED = [
    b"",
    section(ANNOTATIONS, map_(symbol("x-stream-filter-value"), text("order.initiated.v1"))),
    section(ANNOTATIONS, map_(symbol("x", wide=True), timestamp(1), wide=True)),
]
PROPERTY_LISTS = [
    b"",
    section(PROPERTIES, LIST0),
    section(PROPERTIES, list_(text("id-1"), NULL, text("to"), NULL, NULL, NULL, symbol("application/json"))),
    section(PROPERTIES, list_(text("i" * 300), binary(b"user"), wide=True)),
    section(PROPERTIES, list_(uuid(bytes(16)))),
    section(PROPERTIES, list_(ulong(2**64 - 1))),
    section(PROPERTIES, list_(b"\x44")),
    section(PROPERTIES, list_(binary(b"\x00\x53\x75\xa0\x01x"))),
    section(PROPERTIES, list_(*[NULL] * 8, timestamp(-1), timestamp(2**62), text("group"), b"\x70\x00\x00\x00\x09")),
    long_section(PROPERTIES, list_(text("id-1"))),
]
APPLICATIONS = [
    b"",
    section(APPLICATION, map_(text("cloudEvents:id"), text("1"), text("n"), b"\x81" + bytes(8), text("f"), FALSE)),
    section(APPLICATION, map_(text("list"), array(b"\xa1", b"\x01a", b"\x02bc"), text("nested"), map_(NULL, LIST0))),
    section(APPLICATION, map_(*[text("k" * 200), text("v" * 200)] * 3)),
]
FOOTERS = [b"", section(FOOTER, map_(symbol("crc"), b"\x70\x00\x00\x00\x01"))]

BODIES = {
    "one data section": section(DATA, binary(BODY)),
    "one wide data section": section(DATA, binary(BODY, wide=True)),
    "a data section with a long descriptor": long_section(DATA, binary(BODY)),
    "several data sections": b"".join(section(DATA, binary(part)) for part in (BODY[:9], b"", BODY[9:])),
    "a binary value": section(VALUE, binary(BODY)),
    "a text value": section(VALUE, text(BODY.decode())),
    "a wide text value": section(VALUE, text(BODY.decode(), wide=True)),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@given(*[st.sampled_from(places) for places in (HEADERS, DELIVERIES, ANNOTATED, PROPERTY_LISTS, APPLICATIONS, FOOTERS)])
def test_the_body_is_found_between_all_that_may_stand_around_it(
    body: bytes,
    header: bytes,
    delivery: bytes,
    annotations: bytes,
    properties: bytes,
    application: bytes,
    footer: bytes,
) -> None:
    assert body_of(header + delivery + annotations + properties + application + body + footer) == BODY


@given(st.binary(max_size=600), st.text(st.characters(exclude_categories=["Cs"]), max_size=256))
@example(b"", "")
@example(b"\x00\x53\x75\xa0\x01x", "x" * 256)
def test_what_we_write_is_what_we_read(body: bytes, message_id: str) -> None:
    assert body_of(encode(body, message_id)) == body


def test_a_large_body_and_an_empty_one() -> None:
    assert body_of(encode(b"x" * 1_000_000, "1")) == b"x" * 1_000_000
    assert body_of(section(DATA, binary(b""))) == b""


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"", "no body"),
        (section(PROPERTIES, list_(text("1"))), "no body"),
        (section(SEQUENCE, list_(text("1"))), "sequence"),
        (section(VALUE, NULL), "neither binary nor text"),
        (section(VALUE, map_(text("a"), text("b"))), "neither binary nor text"),
        (section(VALUE, symbol("a")), "neither binary nor text"),
        (section(VALUE, ulong(7)), "neither binary nor text"),
        (section(DATA, list_(binary(BODY))), "neither binary nor text"),
        (BODY, "not an AMQP 1.0 message"),
        (b"\x00", "not an AMQP 1.0 message"),
        (b"\x00\x53", "not an AMQP 1.0 message"),
        (b"\x00\x53\x75", "not an AMQP 1.0 message"),
        (b"\x00\x53\x75\xa0", "not an AMQP 1.0 message"),
        (b"\x00\x53\x75\xa0\x05abcd", "not an AMQP 1.0 message"),
        (b"\x00\x53\x75\xb0\xff\xff\xff\xffabcd", "not an AMQP 1.0 message"),
        (b"\x00\x80\x00\x00\x00", "not an AMQP 1.0 message"),
        (section(DATA, binary(BODY)) + b"\x00", "not an AMQP 1.0 message"),
        (section(DATA, binary(BODY)) + b"garbage", "not an AMQP 1.0 message"),
        (section(PROPERTIES, b"\x0f") + section(DATA, binary(BODY)), "not an AMQP 1.0 message"),
        (section(VALUE, b"\x00\x53\x75\xa0\x01x"), "not an AMQP 1.0 message"),
        # Descriptors may be symbols, too; no known client writes them.
        (b"\x00\xa3\x10amqp:data:binary" + binary(BODY), "not an AMQP 1.0 message"),
    ],
)
def test_what_has_no_body_to_read_is_unparsable(record: bytes, why: str) -> None:
    with pytest.raises(EventRejected, match=why) as raised:
        body_of(record)
    assert raised.value.reason is Reason.UNPARSABLE


def _never_raises_otherwise(record: bytes) -> None:
    try:
        assert isinstance(body_of(record), bytes)
    except EventRejected as rejection:
        assert rejection.reason is Reason.UNPARSABLE  # noqa: PT017 - both outcomes are right


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(record: bytes) -> None:
    _never_raises_otherwise(record)


@given(
    st.lists(st.sampled_from([*HEADERS, *DELIVERIES, *ANNOTATED, *PROPERTY_LISTS, *APPLICATIONS, *BODIES.values()])),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    st.integers(0, 2000),
)
def test_no_spoiled_message_breaks_the_reader(pieces: list[bytes], spoiled: list[tuple[int, int]], end: int) -> None:
    record = bytearray(b"".join(pieces)[:end])
    for place, value in spoiled:
        if place < len(record):
            record[place] = value
    _never_raises_otherwise(bytes(record))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=2), st.integers(0, 3))
@example([], 0)
@example([(7, 255)], 0)
def test_what_we_write_is_read_as_any_other_message_is(spoiled: list[tuple[int, int]], cut: int) -> None:
    record = bytearray(encode(b"{}", "id-1"))
    for place, value in spoiled:
        if place < len(record):
            record[place] = value
    whole = bytes(record[: len(record) - cut])
    try:
        body = _body_of_any(whole)
    except EventRejected as rejection:
        with pytest.raises(EventRejected) as raised:
            body_of(whole)
        assert raised.value.detail == rejection.detail  # noqa: PT017 - both outcomes are right
    else:
        assert body_of(whole) == body
