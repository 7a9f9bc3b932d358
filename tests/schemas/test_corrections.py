"""Corrections that say what should have been said, and what operators say of messages in quarantine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.errors import EventRejected, Reason
from schemas.orders import PriceCalculated, Submitted, effective, settles, validate
from tests.support.events import event

PRICED = {
    "source": "/mes",
    "type": "order.price_calculated.v1",
    "data": {"price": {"amount": "3.50", "currency": "EUR"}},
}


def correction(order_id: str = "A1", **data: Any) -> dict[str, Any]:
    return event(order_id, "correction", data={"author": "ada", "reason": "a number was no text", **data})


def test_a_correction_has_the_effect_of_what_it_says_at_its_own_time() -> None:
    said = validate({**correction(corrected=PRICED), "time": "2026-03-05T12:00:00Z"}).event
    meant = effective(said)
    assert isinstance(meant, PriceCalculated)
    assert (meant.source, meant.subject, meant.id) == ("/mes", "A1", said.id)
    assert meant.time == datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert str(meant.data.price.value) == "3.50"


def test_everything_else_is_its_own_effect() -> None:
    for fields in (correction(), correction(corrected=None), event("A1", "submitted")):
        said = validate(fields).event
        assert effective(said) is said
    assert isinstance(validate(event("A1", "submitted")).event, Submitted)


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "order.price_calculated.v2"}, {"type": "order.sneezed.v1"}, {"type": "order.note_added.v1"},
        {"type": "order.correction.v1"}, {"type": "order.dropped.v1"}, {"type": "order.released.v1"}, {"type": ""},
        {"source": "/shop"}, {"source": "/nobody"}, {"source": "/partners/acme"}, {"source": None},
        {"data": {}}, {"data": {"price": {"amount": 3.5, "currency": "EUR"}}}, {"data": None}, {"data": []},
    ],
    ids=str,
)  # fmt: skip
def test_what_nobody_could_have_said_is_no_correction(changed: dict[str, Any]) -> None:
    with pytest.raises(EventRejected) as refused:
        validate(correction(corrected=PRICED | changed))
    assert refused.value.reason is Reason.INVALID


def test_a_partner_can_be_corrected_in_its_own_orders_only() -> None:
    said = {"source": "/partners/acme", "type": "order.initiated.v1", "data": {}}
    assert effective(validate(correction("acme:1", corrected=said)).event).source == "/partners/acme"
    with pytest.raises(EventRejected, match=r"data\.corrected"):
        validate(correction("zeta:1", corrected=said))


@pytest.mark.parametrize(
    ("source", "name", "place"),
    [
        ("/quarantine", "3:1204", (3, 1204)), ("/quarantine", "0:0", (0, 0)), ("/shop", "3:1204", None),
        ("/quarantine", "3:01", None), ("/quarantine", "3", None), ("/quarantine", "3:-1", None),
        ("/quarantine", "99999:1", None), ("/quarantine", "٣:1", None),
    ],
)  # fmt: skip
def test_a_message_in_quarantine_is_named_by_its_place(source: str, name: str, place: tuple[int, int] | None) -> None:
    about = {"source": source, "id": name}
    assert settles(validate(correction(event=about)).event) == place
    dropped = event("A1", "dropped", data={"author": "ada", "reason": "rubbish", "event": about})
    assert settles(validate(dropped).event) == place


def test_other_events_settle_nothing() -> None:
    about = {"event": {"source": "/quarantine", "id": "3:1204"}}
    for name in ("released", "note_added"):
        fields = event("A1", name)
        assert settles(validate({**fields, "data": {**fields["data"], **about}}).event) is None
    assert settles(validate(correction()).event) is None


@pytest.mark.parametrize("name", ["submitted", "note_added", "correction", "released", "cancelled"])
def test_of_no_order_nothing_but_a_drop_is_said(name: str) -> None:
    with pytest.raises(EventRejected) as refused:
        validate(event("~quarantine-3-1204", name))
    assert refused.value.reason is Reason.FORBIDDEN_SOURCE
    assert validate(event("~quarantine-3-1204", "dropped")).event.subject == "~quarantine-3-1204"
