"""How many orders are stuck, where and at whom, now and at the end of each day before, without counting them. Pure.

An order is stuck from the moment it has been in its stage for longer than the stage's target. Of orders that are still
in their stage it is known on which day they came there, and days are summed up to the one in which the target falls; of
that day alone the orders are counted (`spans` says which). Of orders that have left it is known on which day they
passed their target, and on which they left. Of orders that were not opened yet nobody knows that: the trend of that
stage is of those that still are not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import NamedTuple

from schemas.lifecycle import STAGES, Stage

DAYS = 30
"""How far back the trend goes."""

_A_DAY = timedelta(days=1)


class Place(NamedTuple):
    """Where orders are counted together."""

    stage: str
    holder: str


class Span(NamedTuple):
    """A part of a day in which open orders came into a stage, that has to be counted: from `first` on, before `last`.

    Where `sign` is -1, the whole day is in the sum, and these have to be taken away again.
    """

    stage: Stage
    first: datetime
    last: datetime
    sign: int


class Overdue(NamedTuple):
    """Of the stays that are over: how many passed their target on a day, and how many of those ended on it."""

    passed: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many orders are stuck at one place. `since`: the day on which the one that waits longest came there, None
    where none is stuck now.

    `trend` is their number at the end (UTC) of each of the last days, the oldest first, and now.
    """

    place: Place
    orders: int
    since: date | None
    trend: tuple[int, ...]


def moments(now: datetime) -> list[datetime]:
    """Return the ends of the last `DAYS` days, the oldest first, and now."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return [midnight - _A_DAY * days for days in reversed(range(DAYS))] + [now]


def spans(now: datetime) -> list[list[Span]]:
    """Return what has to be counted for each of `moments`: of each stage the smaller part of the day in which its
    target falls."""
    return [
        [span for stage, target in _targets() if (span := _span(stage, at - target)) is not None] for at in moments(now)
    ]


def stuck(
    now: datetime,
    days: Mapping[tuple[Place, date], int],
    counted: Sequence[Iterable[tuple[Span, Mapping[str, int]]]],
    overdue: Mapping[tuple[Place, date], Overdue],
) -> list[Stuck]:
    """Return all places at which orders are stuck or were in the last days, in the sequence of their stages.

    `days` is how many open orders came to a place on a day, `counted` the orders of each of `spans` by holder,
    `overdue` what became of the stays that are over, for the days of the trend.
    """
    arrivals = _arrivals(days)
    series = {place: [0] * (DAYS + 1) for place in (*arrivals, *(place for place, _ in overdue))}
    targets = dict(_targets())
    for turn, at in enumerate(moments(now)):
        for place, arrived in arrivals.items():
            if place.stage in targets:
                series[place][turn] += arrived.before(_full_days(at - targets[Stage(place.stage)]))
        for span, holders in counted[turn]:
            for holder, orders in holders.items():
                series.setdefault(Place(span.stage, holder), [0] * (DAYS + 1))[turn] += span.sign * orders
        for (place, day), (passed, ended) in overdue.items():
            if day >= at.date() and at < now:
                series[place][turn] += ended - passed
    return [
        Stuck(place, numbers[-1], arrivals[place].first if numbers[-1] and place in arrivals else None, tuple(numbers))
        for place, numbers in sorted(series.items(), key=lambda item: _sequence(item[0]))
        if any(numbers)
    ]


class _Arrivals:
    """How many open orders came to a place before a day."""

    def __init__(self, by_day: Mapping[date, int]) -> None:
        self._days = sorted(by_day)
        self._sums = [0, *accumulate(by_day[day] for day in self._days)]

    @property
    def first(self) -> date:
        return self._days[0]

    def before(self, day: date) -> int:
        return self._sums[bisect_left(self._days, day)]


def _arrivals(days: Mapping[tuple[Place, date], int]) -> dict[Place, _Arrivals]:
    by_place: dict[Place, dict[date, int]] = {}
    for (place, day), orders in days.items():
        by_place.setdefault(place, {})[day] = orders
    return {place: _Arrivals(by_day) for place, by_day in by_place.items()}


def _targets() -> list[tuple[Stage, timedelta]]:
    return [(stage, facts.target) for stage, facts in STAGES.items() if facts.target is not None]


def _span(stage: Stage, limit: datetime) -> Span | None:
    """Return what of the day in which the limit falls is not told by whole days; None: it falls between two days."""
    midnight = datetime.combine(limit.date(), time(), UTC)
    if limit == midnight:
        return None
    if limit - midnight <= _A_DAY / 2:
        return Span(stage, midnight, limit, 1)
    return Span(stage, limit, midnight + _A_DAY, -1)


def _full_days(limit: datetime) -> date:
    """The day before which all days are summed."""
    later_half = limit - datetime.combine(limit.date(), time(), UTC) > _A_DAY / 2
    return limit.date() + _A_DAY if later_half else limit.date()


def _sequence(place: Place) -> tuple[int, str]:
    rank = STAGES[Stage(place.stage)].rank if place.stage in STAGES else len(STAGES)
    return rank, place.holder
