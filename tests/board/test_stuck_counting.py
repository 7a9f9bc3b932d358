"""The numbers of stuck orders, now and on each day before, are those that a look at every order would give."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.operator.stuck.counting import Overdue, Place, Span, moments, spans, stuck
from schemas.lifecycle import STAGES, Stage

NOW = datetime(2026, 3, 31, 15, 20, tzinfo=UTC)

STAGES_WITH_TARGET = [stage for stage, facts in STAGES.items() if facts.target is not None]


class Stay(NamedTuple):
    """A stay of an order: where, since when, until when (None: it goes on)."""

    place: Place
    since: datetime
    until: datetime | None

    @property
    def measured(self) -> bool:
        """Whether it is known how long it was, once it is over."""
        return self.place.stage != Stage.UNOPENED

    @property
    def late_at(self) -> datetime:
        """From when on it is too long."""
        target = STAGES[Stage(self.place.stage)].target
        assert target is not None
        return self.since + target


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    stage = draw(st.sampled_from(STAGES_WITH_TARGET))
    since = NOW - timedelta(minutes=draw(st.integers(1, 60 * 24 * 50)), seconds=draw(st.integers(1, 59)))
    lasted = draw(st.none() | st.integers(0, 60 * 24 * 40))
    until = None if lasted is None else since + timedelta(minutes=lasted)
    place = Place(stage, draw(st.sampled_from(["mes", "operators"])))
    return Stay(place, since, None if until is None or until > NOW else until)


def kept(all_stays: list[Stay]) -> tuple[Counter[tuple[Place, date]], dict[tuple[Place, date], Overdue]]:
    """What the tables hold of them. Nobody measures how long an order was not opened."""
    days = Counter((stay.place, stay.since.date()) for stay in all_stays if stay.until is None)
    over = [stay for stay in all_stays if stay.until is not None and stay.until > stay.late_at and stay.measured]
    passed = Counter((stay.place, stay.late_at.date()) for stay in over)
    ended = Counter((stay.place, stay.until.date()) for stay in over if stay.until)
    first = moments(NOW)[0].date()
    return days, {key: Overdue(passed[key], ended[key]) for key in {*passed, *ended} if key[1] >= first}


def count(all_stays: list[Stay], span: Span) -> Counter[str]:
    """What the database counts of a span."""
    return Counter(
        stay.place.holder
        for stay in all_stays
        if stay.until is None and stay.place.stage == span.stage and span.first <= stay.since < span.last
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(stays(), max_size=40))
async def test_every_number_is_right(all_stays: list[Stay]) -> None:
    days, overdue = kept(all_stays)
    counted = [[(span, count(all_stays, span)) for span in asked] for asked in spans(NOW)]
    found = {one.place: one for one in stuck(NOW, days, counted, overdue)}
    truth: dict[Place, list[int]] = {}
    for turn, at in enumerate(moments(NOW)):
        for stay in all_stays:
            if stay.late_at < at and (stay.until is None or (stay.until >= at and stay.measured)):
                truth.setdefault(stay.place, [0] * len(moments(NOW)))[turn] += 1
    assert {place: list(one.trend) for place, one in found.items()} == truth
    for place, one in found.items():
        waiting = [stay for stay in all_stays if stay.place == place and stay.until is None]
        assert one.orders == sum(stay.late_at < NOW for stay in waiting)
        assert one.since == (min(stay.since for stay in waiting).date() if one.orders else None)


def test_of_each_day_less_than_a_half_is_counted() -> None:
    for at, asked in zip(moments(NOW), spans(NOW), strict=True):
        for span in asked:
            assert span.last - span.first <= timedelta(hours=12)
            assert at - span.last < timedelta(days=20)
    # Only the hour's target falls into the midst of a day that is over.
    assert [{span.stage for span in asked} for asked in spans(NOW)[:-1]] == [{Stage.SUBMITTED}] * 30


def test_the_last_moment_is_now_and_the_others_are_midnights() -> None:
    found = moments(NOW)
    assert found[-2:] == [datetime(2026, 3, 31, tzinfo=UTC), NOW]
    assert found[0] == datetime(2026, 3, 2, tzinfo=UTC)
