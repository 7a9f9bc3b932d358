"""Where open orders stay and since when, how many stays began on which day, and which lasted longer than they should.

These tables only repeat what open orders and timeline say, in the shape in which it is asked for: by who waits longest,
and how many do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from pipelines.engine.instance.projection import Arrived, OrderChange
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.packed_rows import INT8, MOMENT, moment, word
from pipelines.engine.stores.writes import Write
from processors.orders.lifecycle import Anomaly
from schemas.lifecycle import FINAL, STAGES, Holder, Stage
from schemas.views import OrderState, TimelineEntry

_ADD = named_sql(__package__, "stays_add")
_END = named_sql(__package__, "stays_end")
_DAYS_ADD = named_sql(__package__, "stay_days_add")
_DAYS_REMOVE = named_sql(__package__, "stay_days_remove")
_OVERDUE_ADD = named_sql(__package__, "overdue_days_add")

_Changes = Sequence[OrderChange[OrderState, TimelineEntry]]

_AFTER_STAGE = Struct("!8sq8sq").pack

_TARGETS: dict[Stage, timedelta] = {
    stage: facts.target for stage, facts in STAGES.items() if facts.target is not None and stage is not Stage.UNOPENED
}
"""Nobody measures an order's time before it is opened, see `processors.orders.fold`."""


_BY_THE_BROKER = {Anomaly.FROM_THE_FUTURE, Anomaly.TIME_REVERSED}

_FIRST_DAY = date(1970, 1, 1).toordinal()


class Place(NamedTuple):
    """Where stays are counted together."""

    stage: Stage
    holder: Holder


def writes(partition: int, changes: _Changes) -> list[Write]:
    """Return what brings the tables in step with the orders. What is rare is left out where there is nothing of it."""
    begun: list[bytes] = []
    ended: list[bytes] = []
    days: dict[tuple[Place, int], int] = {}
    for change in changes:
        before = None if change.before is None or change.before.stage in FINAL else change.before
        after = None if change.after.stage in FINAL else change.after
        if before is not None:
            _count(days, before, -1)
        if after is not None:
            _count(days, after, 1)
        if before is None or after is None or not _same(before, after):
            if before is not None:
                ended.append(_packed(change.order_no, before))
            if after is not None:
                begun.append(_packed(change.order_no, after))
    moved = _columns({key: (orders,) for key, orders in days.items() if orders})
    found = [
        Write("stays_end", _END, (ended,)),
        Write("stays_add", _ADD, (begun,)),
        # In one statement, as each leaves to the other what it does not do; writes that are small are not parted.
        Write("stay_days_add", _DAYS_ADD, (partition, *moved)),
        Write("stay_days_remove", _DAYS_REMOVE, (partition, *moved)),
    ]
    overdue = overdue_days(changes)
    if overdue:
        found.append(Write("overdue_days_add", _OVERDUE_ADD, (partition, *_columns(overdue))))
    return found


def overdue_days(changes: _Changes) -> dict[tuple[Place, int], tuple[int, int]]:
    """Return, by day (UTC, since 1970 began), how many of the stays that ended had passed their stage's target then,
    and how many of those ended then."""
    days: dict[tuple[Place, int], tuple[int, int]] = {}
    for change in changes:
        for place, passed_at, ended_at in _overdue(change):
            for at, counted in ((passed_at, (1, 0)), (ended_at, (0, 1))):
                key = place, _day(at)
                passed, ended = days.get(key, (0, 0))
                days[key] = passed + counted[0], ended + counted[1]
    return days


def _overdue(change: OrderChange[OrderState, TimelineEntry]) -> Iterator[tuple[Place, datetime, datetime]]:
    """Yield of each stay that ended too late: where it was, when it passed its target, when it ended."""
    before = change.before
    place = None if before is None else Place(before.stage, before.holder)
    for arrived, entry in change.entries:
        if entry.held_seconds is not None and place is not None:
            held, target = timedelta(seconds=entry.held_seconds), _TARGETS.get(place.stage)
            if target is not None and held > target:
                ended_at = _ended_at(arrived, entry)
                yield place, ended_at - (held - target), ended_at
        place = Place(entry.stage, entry.holder)


def _ended_at(arrived: Arrived, entry: TimelineEntry) -> datetime:
    """When a stay ended, by the clock that measured it, see `processors.orders.fold`."""
    by_the_broker = _BY_THE_BROKER.intersection(entry.anomalies)
    return arrived.recorded_at if by_the_broker else arrived.event.time


def _same(one: OrderState, other: OrderState) -> bool:
    return one.stage is other.stage and one.stage_since == other.stage_since


def _count(days: dict[tuple[Place, int], int], state: OrderState, orders: int) -> None:
    key = Place(state.stage, state.holder), _day(state.stage_since)
    days[key] = days.get(key, 0) + orders


def _day(at: datetime) -> int:
    """As a number: the driver takes the first day of year 1 for minus infinity."""
    return at.toordinal() - _FIRST_DAY


def _packed(order_no: int, state: OrderState) -> bytes:
    return _stage(state.stage) + _AFTER_STAGE(MOMENT, moment(state.stage_since), INT8, order_no)


@lru_cache(maxsize=64)
def _stage(stage: Stage) -> bytes:
    return Struct("!i").pack(3) + word(stage)


def _columns(counted: Mapping[tuple[Place, int], tuple[int, ...]]) -> list[list[Any]]:
    """Return stages, holders, days, and what was counted, each as a column."""
    rows = [(place.stage, place.holder, when, *numbers) for (place, when), numbers in counted.items()]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
