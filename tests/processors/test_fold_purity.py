"""The fold is pure: it changes nothing it is given, asks no clock, and does not care how a story is cut."""

from __future__ import annotations

import copy
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.orders.fold import fold
from schemas.envelope import Envelope
from schemas.lifecycle import FINAL, STAGES
from schemas.views import OrderState
from tests.processors.telling import RECORDED, read, tell
from tests.support.events import SOURCES

CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime"}
CHANCE = {"random", "getrandbits", "urandom", "uuid4"}


@st.composite
def events(draw: st.DrawFn) -> Envelope:
    """Any good event of order acme:1, with its own idea of the time."""
    name = draw(st.sampled_from(sorted(SOURCES)))
    attributes: dict[str, Any] = {"hour": draw(st.integers(-3, 12)), "event_id": draw(st.uuids()).hex}
    if name in ("initiated", "submitted"):
        attributes["source"] = draw(st.sampled_from(["/shop", "/partners/acme"]))
        partner, customer = draw(st.sampled_from([None, "zeta"])), draw(st.sampled_from([None, "c1", "c2"]))
        attributes["data"] = {"partner": partner, "customer_id": customer}
    if name == "note_added" and draw(st.booleans()):
        attributes["type"] = "order.teleported.v1"
    return read("acme:1", name, **attributes)


stories = st.lists(events(), min_size=1, max_size=15)


@given(stories)
def test_what_it_is_given_stays_as_it_was(story: list[Envelope]) -> None:
    state: OrderState | None = None
    for offset, event in enumerate(story):
        kept, kept_event = copy.deepcopy(state), event.model_copy(deep=True)
        after, entry = fold(state, event, offset, RECORDED)
        assert (state, event) == (kept, kept_event)
        assert fold(state, event, offset, RECORDED) == (after, entry)
        state = after


@given(stories, st.integers(0, 15))
def test_it_does_not_matter_where_a_story_is_cut(story: list[Envelope], cut: int) -> None:
    whole, entries = tell(story)
    if 0 < cut < len(story):
        half, first = tell(story[:cut])
        rest, second = tell(story[cut:], half, cut)
        assert (rest, first + second) == (whole, entries)


@given(stories)
def test_what_holds_after_any_story(story: list[Envelope]) -> None:
    state, entries = tell(story)
    assert state.revision == len(story)
    assert state.anomalies == sum(bool(entry.anomalies) for entry in entries)
    assert state.opened_at == story[0].time
    assert state.stage == entries[-1].stage
    assert state.holder == entries[-1].holder
    assert state.last_offset == len(story) - 1
    ranks = [STAGES[entry.stage].rank for entry in entries]
    assert ranks == sorted(ranks)  # an order never goes back
    ended = [place for place, entry in enumerate(entries) if entry.stage in FINAL]
    if ended:
        assert {entry.stage for entry in entries[ended[0] :]} == {state.stage}
    for entry in entries:
        assert entry.held_seconds is None or entry.held_seconds >= 0


@contextmanager
def _watched(names: set[str]) -> Iterator[list[str]]:
    """Collect the names of those builtin functions among `names` that are called meanwhile."""
    called: list[str] = []
    gc.collect()
    gc.disable()  # what is finalised in the middle, a connection say, may well ask a clock

    def watch(frame: FrameType, what: str, function: Any) -> None:
        if what == "c_call" and function.__name__ in names:
            called.append(function.__name__)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield called
    finally:
        sys.setprofile(before)
        gc.enable()


@pytest.mark.parametrize("ask", [lambda: datetime.now(UTC), sys.modules["time"].time, sys.modules["time"].monotonic])
def test_the_watch_sees_a_clock_being_asked(ask: Callable[[], object]) -> None:
    with _watched(CLOCKS) as called:
        ask()
    assert called


def test_it_asks_no_clock_and_throws_no_dice() -> None:
    story = [read("acme:1", name, hour=3 - place) for place, name in enumerate(SOURCES)]
    with _watched(CLOCKS | CHANCE) as called:
        tell(story)
    assert called == []
