"""Cells as times, numbers and money."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edges.importer.values import BadCell, amount, decimal, integer, moment, total

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2017-07-09 21:57:05", SAO_PAULO, "2017-07-10T00:57:05"),
        ("2017-12-09 21:57:05", SAO_PAULO, "2017-12-09T23:57:05"),
        # Came twice, as clocks went back: the first of the two.
        ("2017-02-18 23:30:00", SAO_PAULO, "2017-02-19T01:30:00"),
        ("2025-10-26 02:30:00", BERLIN, "2025-10-26T00:30:00"),
        # Never came, as clocks went forward: by the clock before the change.
        ("2017-10-15 00:30:00", SAO_PAULO, "2017-10-15T03:30:00"),
        ("2026-03-29 02:30:00", BERLIN, "2026-03-29T01:30:00"),
        # A zone of its own wins.
        ("2026-03-01T12:00:00+05:30", BERLIN, "2026-03-01T06:30:00"),
        ("2026-03-01T12:00:00Z", BERLIN, "2026-03-01T12:00:00"),
        ("2026-03-01", BERLIN, "2026-02-28T23:00:00"),
        ("2026-03-01 12:00:00.123456", BERLIN, "2026-03-01T11:00:00.123456"),
    ],
)
def test_a_time_is_read_in_its_zone(text: str, zone: ZoneInfo, utc: str) -> None:
    assert moment(text, zone, None).isoformat() == f"{utc}+00:00"


def test_a_shop_s_own_format() -> None:
    assert moment("01.03.2026 12:05", BERLIN, "%d.%m.%Y %H:%M").isoformat() == "2026-03-01T11:05:00+00:00"
    with pytest.raises(BadCell, match=r"not a time like %d\.%m"):
        moment("2026-03-01", BERLIN, "%d.%m.%Y")


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "12:00", "0001-01-01", "9999-12-31 23:59-12:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        moment(text, BERLIN, None)


@pytest.mark.parametrize("text", ["1,5", "1e3", "NaN", "Infinity", "", ".5", "1.", "0x1", "١", "1_000", "1 000"])
def test_what_is_no_decimal_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        decimal(text)
    with pytest.raises(BadCell):
        integer(text)


@given(st.lists(st.integers(-(10**17), 10**17), max_size=50), st.integers(0, 18))
def test_sums_are_exact(numbers: list[int], places: int) -> None:
    texts = [f"{Decimal(number).scaleb(-places):f}" for number in numbers]
    assert int(total(map(decimal, texts)).scaleb(places)) == sum(numbers)


@given(st.decimals(0, 10**9, places=4), st.integers(0, 6))
def test_an_amount_has_one_spelling_however_many_zeros_it_came_with(value: Decimal, zeros: int) -> None:
    text = amount(value)
    assert Decimal(text) == value
    assert amount(Decimal(f"{value:f}" + "0" * zeros)) == text
