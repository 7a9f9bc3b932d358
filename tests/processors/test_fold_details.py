"""Price, customer, partner and holder: what events say beside the stage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.lifecycle import Holder, Stage
from tests.processors.telling import story

ACME = {"source": "/partners/acme"}


def _price(amount: str, currency: str, **attributes: Any) -> tuple[str, dict[str, Any]]:
    return "price_calculated", {"data": {"price": {"amount": amount, "currency": currency}}, **attributes}


def test_the_last_price_counts_to_the_last_digit() -> None:
    state, _ = story("submitted", _price("12.50", "EUR"), _price("1300.00", "JPY", event_id="2"))
    assert (str(state.price_amount), state.price_currency) == ("1300.00", "JPY")


def test_a_late_price_counts_though_it_moves_nothing() -> None:
    state, entries = story("submitted", _price("12.50", "EUR"), "manufacturing_approved", _price("9.000000", "EUR"))
    assert (state.stage, str(state.price_amount)) == (Stage.MANUFACTURING_APPROVED, "9.000000")
    assert entries[3].anomalies == ("out_of_step",)


def test_an_order_has_no_price_before_one_is_calculated() -> None:
    state, _ = story("initiated", "submitted", "price_failed")
    assert (state.price_amount, state.price_currency) == (None, None)


def test_a_price_of_nothing_is_a_price() -> None:
    state, _ = story("submitted", _price("0", "EUR"))
    assert state.price_amount == Decimal(0)


def test_the_customer_is_whom_the_last_event_named() -> None:
    one, other = {"data": {"customer_id": "c1"}}, {"data": {"customer_id": "c2"}}
    assert story(("initiated", one), ("submitted", {"data": {}}))[0].customer_id == "c1"
    assert story(("initiated", one), ("submitted", {"data": {"customer_id": None}}))[0].customer_id == "c1"
    assert story(("initiated", one), ("submitted", other))[0].customer_id == "c2"


@pytest.mark.parametrize("name", ["note_added", "revised", "file_uploaded"])
def test_other_events_name_no_customer_and_no_partner(name: str) -> None:
    data = {"customer_id": "c9", "partner": "zeta", "text": "t", "author": "a", "file_name": "f"}
    state, _ = story("initiated", (name, {"data": data}))
    assert (state.customer_id, state.partner) == (None, None)


@pytest.mark.parametrize("name", ["initiated", "file_uploaded", "submitted", "revised", "cancelled", "note_added"])
def test_an_order_a_partner_opened_is_the_partners(name: str) -> None:
    state, _ = story((name, ACME), order_id="acme:1")
    assert state.partner == "acme"


def test_the_shop_may_say_whose_order_it_is() -> None:
    data = {"data": {"partner": "zeta"}}
    assert story(("initiated", data))[0].partner == "zeta"
    assert story("initiated", ("submitted", data))[0].partner == "zeta"


def test_an_order_never_changes_its_partner() -> None:
    data = {"data": {"partner": "zeta"}}
    assert story(("initiated", {**ACME, **data}), order_id="acme:1")[0].partner == "acme"
    assert story(("initiated", ACME), ("submitted", data), order_id="acme:1")[0].partner == "acme"
    assert story(("initiated", data), ("submitted", ACME), order_id="acme:1")[0].partner == "zeta"


def test_a_partner_that_submits_what_the_shop_opened_makes_it_its_own() -> None:
    assert story("note_added", ("submitted", ACME), order_id="acme:1")[0].partner == "acme"


def test_a_partners_order_is_held_by_the_partner_until_it_is_submitted() -> None:
    _, entries = story(("initiated", ACME), ("file_uploaded", ACME), ("submitted", ACME), order_id="acme:1")
    assert [entry.holder for entry in entries] == [Holder.PARTNER, Holder.PARTNER, Holder.PRICING]


def test_whoever_moves_the_order_next_has_to_act_next() -> None:
    _, entries = story(("initiated", ACME), "file_uploaded", order_id="acme:1")
    assert [entry.holder for entry in entries] == [Holder.PARTNER, Holder.SHOP]


def test_a_failed_price_goes_to_the_operators_until_it_is_tried_again() -> None:
    state, entries = story(
        "submitted", "price_failed", "note_added", "price_retry_requested", ("price_failed", {"event_id": "2"}),
        ("price_calculated", {"hour": 30}),
    )  # fmt: skip
    assert [entry.holder for entry in entries] == [
        Holder.PRICING, Holder.OPERATORS, Holder.OPERATORS, Holder.PRICING, Holder.OPERATORS, Holder.CRM,
    ]  # fmt: skip
    assert [entry.stage for entry in entries] == [Stage.SUBMITTED] * 5 + [Stage.PRICE_CALCULATED]
    assert state.anomalies == 0


@pytest.mark.parametrize("stage", ["initiated", "price_calculated", "manufacturing_started", "shipped", "closed"])
@pytest.mark.parametrize("name", ["price_failed", "price_retry_requested"])
def test_news_of_pricing_moves_no_order_that_is_not_being_priced(stage: str, name: str) -> None:
    state, [first, then] = story(stage, name)
    assert then.holder is first.holder
    assert state.stage == stage
