"""Money is a decimal string in a known currency; a JSON number is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.errors import EventRejected, Reason
from schemas.orders import PriceCalculated, validate
from tests.support.events import event


def _price(amount: Any, currency: Any = "EUR", **more: Any) -> PriceCalculated:
    price = {"amount": amount, "currency": currency, **more}
    found = validate(event("A1", "price_calculated", data={"price": price})).event
    assert isinstance(found, PriceCalculated)
    return found


@pytest.mark.parametrize(
    "amount",
    ["0", "0.5", "0.00", "12.5", "12.50", "12.500000", "7", "10", "100.00", "999999999999999.999999", "0.000001"],
)
def test_an_amount_is_kept_to_the_last_digit(amount: str) -> None:
    value = _price(amount).data.price.value
    assert str(value) == amount
    assert isinstance(value, Decimal)


@pytest.mark.parametrize(
    "amount",
    [
        12,
        12.5,
        0,
        True,
        None,
        ["12"],
        {"value": "12"},
        "",
        " 12",
        "12 ",
        "12\n",
        "-1",
        "+1",
        "-0",
        ".5",
        "5.",
        "01",
        "00",
        "1e3",
        "1E3",
        "1,50",
        "1_000",
        "1 000",
        "0x10",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "1000000000000000",
        "0.0000001",
        "٣",
        "１",
        "12.50\x00",
        "12.5O",
    ],
)
def test_anything_else_is_no_amount(amount: Any) -> None:
    with pytest.raises(EventRejected, match=r"data\.price\.amount") as raised:
        _price(amount)
    assert raised.value.reason is Reason.INVALID


@pytest.mark.parametrize("code", ["EUR", "RUB", "JPY", "KWD", "ZWG"])
def test_currencies_of_iso_4217_are_known(code: str) -> None:
    assert _price("1", code).data.price.currency == code


@pytest.mark.parametrize("code", ["eur", "EURO", "EU", "", "DEM", "BTC", "XXX", "E\u0420R", "EUR ", 978, None, ["EUR"]])
def test_other_currencies_are_refused(code: Any) -> None:
    with pytest.raises(EventRejected, match=r"data\.price\.currency") as raised:
        _price("1", code)
    assert raised.value.reason is Reason.INVALID


@pytest.mark.parametrize("price", [None, "12.50 EUR", 12.5, {"amount": "1"}, {"currency": "EUR"}, [], {}])
def test_a_price_needs_both_parts(price: Any) -> None:
    with pytest.raises(EventRejected, match=r"data\.price"):
        validate(event("A1", "price_calculated", data={"price": price}))


def test_what_else_a_price_says_is_kept() -> None:
    assert _price("1", net="0.8").data.price.model_extra == {"net": "0.8"}
