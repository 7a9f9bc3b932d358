"""Which source may send which event: the whole table."""

from __future__ import annotations

import pytest

from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.orders import EVENTS, validate
from tests.support.events import event

TABLE = """
                           shop  crm  mes  pricing  operators  partners
    initiated               x     .    .      .         .         x
    file_uploaded           x     .    .      .         .         x
    submitted               x     .    .      .         .         x
    price_calculated        .     x    x      x         .         .
    price_failed            .     .    x      x         .         .
    manufacturing_approved  .     x    .      .         .         .
    manufacturing_started   .     .    x      .         .         .
    manufacturing_completed .     .    x      .         .         .
    packaging               .     .    x      .         .         .
    shipped                 .     .    x      .         .         .
    closed                  .     x    .      .         .         .
    cancelled               x     x    x      .         x         x
    revised                 x     x    .      .         .         x
    price_retry_requested   .     x    .      .         x         .
    note_added              x     x    x      .         x         x
    correction              .     .    .      .         x         .
    dropped                 .     .    .      .         x         .
    released                .     .    .      .         x         .
"""

_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(name, kind, mark == "x") for name, *marks in _ROWS for kind, mark in zip(_HEAD, marks, strict=True)]

SOURCE = {kind: f"/{kind}" for kind in _HEAD} | {"partners": "/partners/acme"}


def test_the_table_names_every_event() -> None:
    assert [name for name, *_ in _ROWS] == [event_type.split(".")[1] for event_type in EVENTS]


@pytest.mark.parametrize(("name", "kind", "allowed"), CASES)
def test_who_may_send_what(name: str, kind: str, allowed: bool) -> None:
    fields = event("acme:1", name, source=SOURCE[kind])
    if allowed:
        assert validate(fields).event.source == SOURCE[kind]
    else:
        with pytest.raises(EventRejected, match=f"{SOURCE[kind]} may not send order.{name}.v1") as raised:
            validate(fields)
        assert raised.value.reason is Reason.FORBIDDEN_SOURCE
        assert raised.value.envelope["subject"] == "acme:1"


@pytest.mark.parametrize(("name", "kind", "allowed"), CASES)
def test_it_is_the_same_for_versions_still_unknown(name: str, kind: str, allowed: bool) -> None:
    fields = event("acme:1", name, source=SOURCE[kind], type=f"order.{name}.v7")
    with pytest.raises(UnknownVersion if allowed else EventRejected):
        validate(fields)


@pytest.mark.parametrize(
    "source",
    [
        "shop",
        "/shop/",
        "//shop",
        "/Shop",
        "/shop/eu",
        "/webhooks",
        "/",
        "https://shop.example/",
        "/partners",
        "/partners/",
        "/partners//",
        "/partners/acme/",
        "/partners/acme/eu",
        "partners/acme",
        "/Partners/acme",
        "/partners/Acme",
        "/partners/a:b",
        "/partners/a|b",
        "/partners/-a",
        f"/partners/{'x' * 65}",
        "/partners/заказчик",
    ],
)
@pytest.mark.parametrize("event_type", ["order.note_added.v1", "order.note_added.v2", "somebody.else.v1"])
def test_an_unknown_source_may_send_nothing(source: str, event_type: str) -> None:
    with pytest.raises(EventRejected, match="unknown source") as raised:
        validate(event("a:b:1", "note_added", source=source, type=event_type))
    assert raised.value.reason is Reason.FORBIDDEN_SOURCE


@pytest.mark.parametrize("subject", ["1", "other:1", "acme", "acme1", "ACME:1", "acme-eu:1"])
@pytest.mark.parametrize("event_type", ["order.submitted.v1", "order.submitted.v2", "somebody.else.v1"])
def test_a_partner_may_speak_of_its_own_orders_only(subject: str, event_type: str) -> None:
    with pytest.raises(EventRejected, match="acme:…") as raised:
        validate(event(subject, "submitted", source="/partners/acme", type=event_type))
    assert raised.value.reason is Reason.FORBIDDEN_SOURCE


@pytest.mark.parametrize("subject", ["acme:1", "acme:", "acme:a:b"])
def test_all_that_begins_with_its_name_and_a_colon_is_a_partners_own(subject: str) -> None:
    assert validate(event(subject, "submitted", source="/partners/acme")).event.subject == subject


def test_the_shops_own_services_may_speak_of_a_partners_order() -> None:
    assert validate(event("acme:1", "shipped")).event.source == "/mes"


def test_every_known_source_may_send_types_nobody_has_told_us_of() -> None:
    for source in SOURCE.values():
        assert validate(event("acme:1", "note_added", source=source, type="somebody.else.v1")).event.source == source
