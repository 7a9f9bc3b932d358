"""Types and versions nobody has told us of."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.envelope import Envelope
from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.identity import content_digest, identity
from schemas.orders import validate
from tests.support.events import event


@pytest.mark.parametrize(
    "event_type",
    [
        "order.teleported.v1",
        "order.unopened.v1",
        "shop.basket_emptied.v1",
        "order.initiated",
        "order.initiated.v0",
        "order.initiated.v01",
        "order.initiated.v1.1",
        "order.initiated.V1",
        "Order.initiated.v1",
        "order.initiated.v-1",
        "x",
    ],
)
@pytest.mark.parametrize("data", [{}, {"price": 1.5}, None, [1], "text", 7])
def test_an_unknown_type_is_a_plain_event_whatever_its_data(event_type: str, data: Any) -> None:
    found = validate(event("A1", "initiated", type=event_type, data=data)).event
    assert type(found) is Envelope
    assert found.data == data


def test_an_unknown_type_needs_no_data() -> None:
    fields = event("A1", "initiated", type="shop.basket_emptied.v1")
    del fields["data"]
    assert validate(fields).event.data == {}


def test_a_known_event_in_an_unknown_version_is_told_apart_and_known_by_identity_and_content() -> None:
    fields = event("A1", "packaging", type="order.packaging.v2", data={"boxes": [1, 2]})
    with pytest.raises(UnknownVersion, match=r"order\.packaging\.v2; deploy one that can") as raised:
        validate(fields)
    found = raised.value.identified
    assert type(found.event) is Envelope
    assert (found.event.subject, found.event.data) == ("A1", {"boxes": [1, 2]})
    assert found.identity == identity("/mes", "A1-packaging")
    assert found.content == content_digest("order.packaging.v2", "A1", {"boxes": [1, 2]})


@pytest.mark.parametrize("version", ["v2", "v10", "v999999999999"])
def test_any_higher_version_is_unknown(version: str) -> None:
    with pytest.raises(UnknownVersion):
        validate(event("A1", "packaging", type=f"order.packaging.{version}"))


def test_an_unknown_version_with_a_broken_envelope_is_refused() -> None:
    with pytest.raises(EventRejected) as raised:
        validate(event("A1", "packaging", type="order.packaging.v2", time="noon"))
    assert raised.value.reason is Reason.INVALID
