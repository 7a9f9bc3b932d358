"""A time is an RFC 3339 string with a zone, and comes out in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.envelope import _rfc3339_utc
from schemas.errors import EventRejected, Reason
from schemas.orders import validate
from tests.support.events import event


def _time(value: Any) -> datetime:
    return validate(event("A1", "initiated", time=value)).event.time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01t12:00:00z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00-00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+05:45", datetime(2026, 3, 1, 6, 15, tzinfo=UTC)),
        ("2026-03-01T00:00:00+03:00", datetime(2026, 2, 28, 21, tzinfo=UTC)),
        ("2026-12-31T23:00:00-01:30", datetime(2027, 1, 1, 0, 30, tzinfo=UTC)),
        ("2026-03-01T12:00:00+23:59", datetime(2026, 2, 28, 12, 1, tzinfo=UTC)),
        ("2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5Z", datetime(2026, 3, 1, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123456Z", datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123456789Z", datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        # Leap seconds become the second before.
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2017-01-01T00:59:60.25+01:00", datetime(2016, 12, 31, 23, 59, 59, 250000, tzinfo=UTC)),
        # The ends of the calendar mean infinity to PostgreSQL's driver: a microsecond less is told.
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00.000001Z", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("0001-01-01T01:00:00+01:00", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999998Z", datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_read_and_is_in_utc(text: str, moment: datetime) -> None:
    time = _time(text)
    assert time == moment
    assert time.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00 Z",
        "2026-03-01 12:00:00Z",
        "2026-03-01",
        "2026-03-01T12:00Z",
        "2026-03-01T12Z",
        "20260301T120000Z",
        "2026-W09-7T12:00:00Z",
        "2026-060T12:00:00Z",
        "2026-03-01T12:00:00+0100",
        "2026-03-01T12:00:00+01",
        "2026-03-01T12:00:00+24:00",
        "2026-03-01T12:00:00+01:60",
        "2026-03-01T12:00:00,5Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:61Z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-10T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        # In their own zone these exist, in UTC they do not.
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        # Other scripts' digits.
        "٢٠٢٦-03-01T12:00:00Z",
        "2026-03-01T12:00:00.٣Z",
        "2026-03-01T12:00:00Z\n",
        " 2026-03-01T12:00:00Z",
        "yesterday",
        "",
        1772366400,
        1772366400.0,
        "1772366400",
        True,
        None,
        ["2026-03-01T12:00:00Z"],
        {},
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(EventRejected, match=r"^invalid: time: ") as raised:
        _time(value)
    assert raised.value.reason is Reason.INVALID


def test_a_missing_time_is_refused() -> None:
    fields = event("A1", "initiated")
    del fields["time"]
    with pytest.raises(EventRejected, match=r"^invalid: time: Field required"):
        validate(fields)


CHARACTERS = "0123456789-+:.,TtZz Ww٣\n"


@st.composite
def _nearly_times(draw: st.DrawFn) -> str:
    """A time as most are written, as a rule; else with a character or two changed."""
    text = draw(st.datetimes()).isoformat() + draw(st.sampled_from(["Z", "z", "+00:00", "-00:00", "+05:45", "-23:59"]))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        place = draw(st.integers(0, len(text) - 1))
        text = text[:place] + draw(st.sampled_from(CHARACTERS)) + text[place + draw(st.integers(0, 1)) :]
    return text


@given(_nearly_times())
@example("2026-W09-7T12:00:00Z")
@example("2026-03-01T12:00:00.Z")
@example("2026-03-01T24:00:00Z")
def test_the_quick_way_reads_a_time_as_the_slow_one_does(text: str) -> None:
    moment, refusal = None, ""
    try:
        moment = _rfc3339_utc(text)
    except ValueError as error:
        refusal = f"time: {error}"
    if moment is None:
        with pytest.raises(EventRejected) as raised:
            _time(text)
        assert raised.value.detail == refusal
    else:
        assert _time(text) == moment
        assert _time(text).tzinfo is UTC
