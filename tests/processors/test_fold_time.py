"""How long an order stood in a stage: by the producers' clocks, or by the broker's where those run backwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from processors.orders.fold import fold
from processors.orders.lifecycle import Anomaly
from schemas.lifecycle import Stage
from schemas.views import OrderState, TimelineEntry
from tests.processors.telling import RECORDED, read, story
from tests.support.events import START


def _two(hour: float, recorded_later: timedelta, name: str = "submitted") -> tuple[OrderState, TimelineEntry]:
    """An order initiated at START and recorded at RECORDED, then told `name`."""
    state, _ = fold(None, read("A1", "initiated", hour=0), 0, RECORDED)
    return fold(state, read("A1", name, hour=hour), 1, RECORDED + recorded_later)


def test_a_duration_is_by_the_producers_times() -> None:
    state, entry = _two(2.5, timedelta(seconds=1))
    assert (entry.held_seconds, entry.anomalies) == (9000.0, ())
    assert state.stage_since == START + timedelta(hours=2.5)


def test_no_time_at_all_is_no_anomaly() -> None:
    _, entry = _two(0, timedelta(seconds=1))
    assert (entry.held_seconds, entry.anomalies) == (0.0, ())


def test_a_negative_duration_is_an_anomaly_and_the_brokers_time_is_used() -> None:
    state, entry = _two(-1, timedelta(seconds=7.25))
    assert (entry.held_seconds, entry.anomalies) == (7.25, (Anomaly.TIME_REVERSED,))
    assert (state.stage, state.anomalies) == (Stage.SUBMITTED, 1)
    assert state.stage_since == START - timedelta(hours=1)


def test_a_duration_is_never_negative_even_if_the_brokers_clock_ran_backwards_too() -> None:
    _, entry = _two(-1, -timedelta(days=1))
    assert (entry.held_seconds, entry.anomalies) == (0.0, (Anomaly.TIME_REVERSED,))


def test_a_skip_back_in_time_is_both() -> None:
    state, entry = _two(-1, timedelta(seconds=1), "shipped")
    assert entry.anomalies == (Anomaly.SKIPPED, Anomaly.TIME_REVERSED)
    assert state.anomalies == 1


def test_an_early_event_that_moves_nothing_is_no_reversal() -> None:
    _, entries = story("submitted", ("initiated", {"hour": -5}), ("note_added", {"hour": -9}))
    assert [entry.anomalies for entry in entries] == [(), (Anomaly.OUT_OF_STEP,), ()]


def test_time_in_a_stage_runs_from_entering_it_whatever_came_between() -> None:
    _, entries = story(
        ("submitted", {"hour": 0}), ("note_added", {"hour": 3}), ("submitted", {"hour": 4}),
        ("price_calculated", {"hour": 5}),
    )  # fmt: skip
    assert [entry.held_seconds for entry in entries] == [None, None, None, 5 * 3600.0]


def test_a_time_at_the_beginning_of_the_calendar_is_believed() -> None:
    first = read("A1", "initiated", time="0001-01-01T00:00:00Z")
    state, _ = fold(None, first, 0, RECORDED)
    state, entry = fold(state, read("A1", "submitted"), 1, RECORDED)
    assert entry.held_seconds == (read("A1", "submitted").time - first.time).total_seconds() > 6e10
    assert entry.anomalies == ()


def test_a_time_from_the_future_is_an_anomaly_and_the_brokers_time_is_used() -> None:
    state, _ = fold(None, read("A1", "initiated"), 0, RECORDED)
    lost = read("A1", "submitted", time="9999-12-31T23:59:59.999999Z")
    state, entry = fold(state, lost, 1, RECORDED + timedelta(seconds=1))
    assert entry.anomalies == (Anomaly.FROM_THE_FUTURE,)
    assert entry.held_seconds == (RECORDED + timedelta(seconds=1) - START).total_seconds()
    assert (state.stage_since, state.anomalies) == (RECORDED + timedelta(seconds=1), 1)
    state, entry = fold(state, read("A1", "price_calculated", time=(RECORDED + timedelta(seconds=9)).isoformat()), 2,
                        RECORDED + timedelta(seconds=10))  # fmt: skip
    assert (entry.held_seconds, entry.anomalies) == (8.0, ())


def test_an_order_is_never_opened_in_the_future() -> None:
    for name in ("initiated", "note_added"):
        state, entry = fold(None, read("A1", name, time="2099-01-01T00:00:00Z"), 0, RECORDED)
        assert (state.opened_at, state.stage_since, entry.anomalies) == (RECORDED, RECORDED, (Anomaly.FROM_THE_FUTURE,))


def test_clocks_may_differ_by_five_minutes() -> None:
    def told(ahead: timedelta) -> tuple[str, ...]:
        return fold(None, read("A1", "initiated", time=(RECORDED + ahead).isoformat()), 0, RECORDED)[1].anomalies

    assert told(timedelta(minutes=5)) == ()
    assert told(timedelta(minutes=5, microseconds=1)) == (Anomaly.FROM_THE_FUTURE,)


def test_the_brokers_time_may_have_any_age() -> None:
    event = read("A1", "initiated")
    for recorded_at in (datetime(1970, 1, 1, tzinfo=RECORDED.tzinfo), datetime(2100, 1, 1, tzinfo=RECORDED.tzinfo)):
        state, _ = fold(None, event, 0, recorded_at)
        assert state.opened_at == min(event.time, recorded_at)
        assert state.stage_recorded_at == state.last_recorded_at == recorded_at
