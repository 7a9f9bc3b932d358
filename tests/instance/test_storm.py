"""When more than 20 orders, and more than one in a hundred, of the last minute park, the pipeline stops."""

from __future__ import annotations

import pytest

from pipelines.engine.instance.storm import REMEMBERED, StormWatch
from schemas.errors import ParkingStorm


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _watch(*batches: range) -> tuple[StormWatch, Clock]:
    clock = Clock()
    watch = StormWatch(clock)
    for orders in batches:
        watch.count(0, orders, 0)
    return watch, clock


def _stops(watch: StormWatch, orders: range, parked: int) -> bool:
    try:
        watch.judge(orders, parked, "why")
    except ParkingStorm:
        return True
    return False


@pytest.mark.parametrize(
    ("orders", "parked", "stops"),
    [
        (20, 20, False),
        (21, 21, True),
        (25, 25, True),
        (2099, 21, True),
        (2100, 21, False),
        (2101, 21, False),
        (10_000, 100, False),
        (10_000, 101, True),
        (1, 1, False),
        (1, 21, True),
    ],
)
def test_the_limits_in_one_batch(orders: int, parked: int, stops: bool) -> None:
    assert _stops(_watch()[0], range(orders), parked) is stops


def test_an_order_counts_once_however_often_it_comes() -> None:
    """A minute of twenty lively orders is no minute of thousands."""
    watch, _ = _watch(*[range(200)] * 50)
    assert _stops(watch, range(100, 200), 21)
    assert not _stops(watch, range(200, 2100), 21)


def test_what_was_looked_at_but_did_not_commit_does_not_count() -> None:
    watch, _ = _watch(range(10))
    assert not _stops(watch, range(10, 5000), 21)
    assert _stops(watch, range(10, 20), 21)


def test_the_window_slides() -> None:
    watch, clock = _watch(range(2100))
    clock.now += 60
    assert not _stops(watch, range(1), 21)  # exactly a minute ago is still in it
    clock.now += 0.001
    assert _stops(watch, range(1), 21)


def test_an_order_that_comes_again_stays_in_the_window() -> None:
    watch, clock = _watch(range(2100))
    clock.now += 59
    watch.count(0, range(2100), 0)
    clock.now += 59
    assert not _stops(watch, range(1), 21)
    clock.now += 2
    assert _stops(watch, range(1), 21)


def test_of_very_many_orders_a_sample_is_remembered() -> None:
    many = 40 * REMEMBERED
    watch, clock = _watch(*[range(start, start + 1000) for start in range(0, many, 1000)])
    assert len(watch._touched) <= REMEMBERED
    assert not _stops(watch, range(1), many // 105)
    assert _stops(watch, range(1), many // 95)
    clock.now += 61
    assert _stops(watch, range(2099), 21)  # few again, and exact again
    assert not _stops(watch, range(2100), 21)


def test_batches_of_a_minute_park_together() -> None:
    watch, clock = _watch()
    watch.count(0, range(10), 10)
    clock.now += 30
    watch.count(0, range(10, 20), 10)
    assert _stops(watch, range(20, 21), 1)
    assert not _stops(watch, range(20, 30), 0)  # a batch that parks nothing is never stopped
    clock.now += 30
    assert _stops(watch, range(20, 21), 1)  # exactly a minute ago is still in it
    clock.now += 0.001
    assert not _stops(watch, range(20, 30), 10)


def test_a_partition_that_is_left_is_forgotten() -> None:
    watch, _ = _watch()
    watch.count(0, range(100), 10)
    watch.count(1, range(100, 3000), 15)
    assert not _stops(watch, range(3000, 3001), 1)
    watch.leave(1)
    watch.leave(7)
    assert not _stops(watch, range(3000, 3010), 10)
    assert _stops(watch, range(3000, 3011), 11)
    watch.leave(0)
    assert not _stops(watch, range(20), 20)


def test_the_message_says_how_many_and_why() -> None:
    watch, _ = _watch()
    watch.count(0, range(80), 20)
    with pytest.raises(
        ParkingStorm, match=r"25 of the last minute's 100 orders .*KeyError: 'colour'.*roll back"
    ) as raised:
        watch.judge(range(80, 100), 5, "KeyError: 'colour'")
    assert (raised.value.parked, raised.value.orders) == (25, 100)
