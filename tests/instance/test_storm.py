"""When more than 20 orders, and more than one in a hundred, of the last minute park, the pipeline stops."""

from __future__ import annotations

import pytest

from pipelines.engine.instance.storm import StormWatch
from schemas.errors import ParkingStorm


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _watch(*committed: tuple[int, int]) -> tuple[StormWatch, Clock]:
    clock = Clock()
    watch = StormWatch(clock)
    for orders, parked in committed:
        watch.check(orders, parked, "why")
        watch.count(orders, parked)
    return watch, clock


def _stops(watch: StormWatch, orders: int, parked: int) -> bool:
    try:
        watch.check(orders, parked, "why")
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
        (100_000, 1000, False),
        (100_000, 1001, True),
        (0, 0, False),
        (1, 1, False),
    ],
)
def test_the_limits_in_one_batch(orders: int, parked: int, stops: bool) -> None:
    assert _stops(_watch()[0], orders, parked) is stops


def test_batches_of_a_minute_count_together() -> None:
    watch, _ = _watch((10, 10), (10, 10))
    assert not _stops(watch, 5, 0)
    assert _stops(watch, 1, 1)


def test_what_was_looked_at_but_did_not_commit_does_not_count() -> None:
    watch, _ = _watch((10, 10))
    for _ in range(10):
        assert not _stops(watch, 10, 10)


def test_healthy_orders_of_the_same_minute_keep_the_share_small() -> None:
    watch, _ = _watch((5000, 0))
    assert not _stops(watch, 21, 21)
    watch.count(21, 21)
    assert not _stops(watch, 29, 29)
    assert _stops(watch, 31, 31)


def test_a_batch_that_parks_nothing_is_never_stopped() -> None:
    """A minute that was bad already is no reason to stop what goes well."""
    watch, clock = _watch((5000, 20))
    clock.now += 59
    watch.count(21, 21)
    clock.now += 2  # the five thousand healthy ones are forgotten
    assert _stops(watch, 100, 1)
    assert not _stops(watch, 100, 0)


def test_the_window_slides() -> None:
    watch, clock = _watch((15, 15))
    clock.now += 30
    watch.count(5, 5)
    assert _stops(watch, 1, 1)
    clock.now += 30
    assert _stops(watch, 1, 1)  # exactly a minute ago is still in it
    clock.now += 0.001
    assert not _stops(watch, 15, 15)
    assert _stops(watch, 16, 16)
    clock.now += 60
    assert not _stops(watch, 20, 20)


def test_a_long_silence_forgets_everything() -> None:
    watch, clock = _watch((20, 20))
    clock.now += 1e9
    assert not _stops(watch, 20, 20)


def test_the_message_says_how_many_and_why() -> None:
    watch, _ = _watch((80, 20))
    with pytest.raises(
        ParkingStorm, match=r"25 of the last minute's 100 orders .*KeyError: 'colour'.*roll back"
    ) as raised:
        watch.check(20, 5, "KeyError: 'colour'")
    assert (raised.value.parked, raised.value.orders) == (25, 100)
