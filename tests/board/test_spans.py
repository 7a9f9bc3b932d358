"""An order's story as spans: what the page draws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from dashboards.operator.order.spans import spans
from dashboards.operator.rows import Card, Entry, Standing, Story
from pipelines.engine.stores.instances import InstanceName

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STANDING = Standing(InstanceName("views", 1), (), 0, 0, 0, START)


def entry(minute: float, stage: str, held: float | None = None, name: str = "x") -> Entry:
    """An event that leaves the order in `stage`."""
    at = START + timedelta(minutes=minute)
    return Entry("/shop", name, f"order.{name}.v1", at, at, 0, int(minute), None, stage, "shop", held, (), 1)


def story(*timeline: Entry) -> Story:
    """An order that stands where its last event left it."""
    last = timeline[-1]
    since = next(
        (e for before, e in reversed(list(pairwise(timeline))) if before.stage != e.stage),
        timeline[0],
    )
    card = Card("A", last.stage, "shop", None, None, None, None, START, since.event_time, 1, 0, 0, START, 0, "/shop")
    return Story("A", card, None, timeline, (), STANDING)


def test_each_stay_in_a_stage_is_a_span_with_the_events_that_fell_into_it() -> None:
    told = story(
        entry(0, "initiated"), entry(1, "initiated"), entry(5, "submitted", 300), entry(9, "price_calculated", 240)
    )
    found = spans(told, START + timedelta(minutes=10))
    assert [(span.stage, len(span.events)) for span in found] == [
        ("initiated", 2),
        ("submitted", 1),
        ("price_calculated", 1),
    ]
    assert [span.held for span in found] == [timedelta(minutes=5), timedelta(minutes=4), timedelta(minutes=1)]
    assert [span.current for span in found] == [False, False, True]
    assert [span.share for span in found] == [100, 80, 20]


def test_the_last_stage_of_a_finished_order_is_not_going_on() -> None:
    (first, last) = spans(story(entry(0, "initiated"), entry(5, "cancelled", 300)), START + timedelta(days=9))
    assert (first.held, last.held, last.current) == (timedelta(minutes=5), None, False)


def test_a_stay_nobody_measured_has_no_length() -> None:
    (unopened, opened) = spans(story(entry(0, "unopened"), entry(5, "initiated")), START + timedelta(minutes=6))
    assert (unopened.held, unopened.share) == (None, 0)
    assert opened.held == timedelta(minutes=1)


def test_a_stay_past_its_target_says_by_how_much() -> None:
    told = story(entry(0, "submitted"), entry(90, "price_calculated", 5400))
    first, second = spans(told, START + timedelta(minutes=91))
    assert first.overdue == timedelta(minutes=30)
    assert second.overdue is None


def test_the_shortest_stay_can_still_be_seen() -> None:
    told = story(entry(0, "initiated"), entry(0, "file_uploaded", 1), entry(9, "submitted", 10**6))
    assert 0 < spans(told, START)[0].share < 1


def test_an_order_with_nothing_but_parked_events_has_no_spans() -> None:
    assert spans(Story("A", None, None, (), (), STANDING), START) == []
