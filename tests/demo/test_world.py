"""The simulated world: seeded, plausible, and good events only."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from cli.demo.world import Kind, Life, World
from processors.orders.fold import fold
from schemas.lifecycle import STAGES, Stage, partner_of
from schemas.orders import EVENTS, parse, validate
from schemas.views import OrderState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

lives = st.builds(
    lambda seed, number, kind: World(seed).life(number, NOW, kind),
    st.integers(0, 2**32),
    st.integers(0, 10**6),
    st.sampled_from(Kind),
)


def many(orders: int, kind: Kind, seed: int = 5) -> list[Life]:
    world = World(seed)
    return [world.life(number, NOW, kind) for number in range(orders)]


def final_state(life: Life) -> OrderState:
    state = None
    for offset, happening in enumerate(life.happenings):
        state, _ = fold(state, validate(happening.event).event, offset, happening.due or NOW)
    assert state is not None
    return state


@given(seed=st.integers(0, 2**32), number=st.integers(0, 10**6), kind=st.sampled_from(Kind))
def test_the_same_seed_gives_the_same_order_whatever_was_drawn_before(seed: int, number: int, kind: Kind) -> None:
    used = World(seed)
    used.life(number + 1, NOW, kind)
    assert used.life(number, NOW, kind) == World(seed).life(number, NOW, kind)
    assert used.life(number, NOW, kind) != World(seed + 1).life(number, NOW, kind)


@given(life=lives)
def test_every_event_is_good_and_of_this_order(life: Life) -> None:
    assert life.happenings
    for happening in life.happenings:
        event = parse(orjson.dumps(happening.event)).event
        assert event.subject == life.order_id
        assert event.trace_id is not None
        partner = partner_of(event.source)
        assert partner is None or life.order_id.startswith(f"{partner}:")


@given(life=lives)
def test_times_go_forward_and_nothing_is_told_before_it_has_happened(life: Life) -> None:
    before = datetime.min.replace(tzinfo=UTC)
    still_to_come = False
    for happening in life.happenings:
        time = validate(happening.event).event.time
        assert before <= time
        before = time
        still_to_come = still_to_come or happening.due is not None
        if still_to_come:
            assert happening.due is not None
            assert happening.due >= max(NOW, time)
        else:
            assert time <= NOW


@given(life=lives)
def test_without_faults_the_lifecycle_allows_every_event_but_a_second_price(life: Life) -> None:
    prices = sum(happening.event["type"] == "order.price_calculated.v1" for happening in life.happenings)
    assert final_state(life).anomalies == max(0, prices - 1)


def test_ids_are_unique_over_all_orders() -> None:
    events = [happening.event for life in many(500, Kind.PAST) for happening in life.happenings]
    assert len({event["id"] for event in events}) == len(events)
    assert len({life.order_id for life in many(500, Kind.PAST)}) == 500


def test_a_crowd_shows_every_stage_every_event_partners_currencies_and_stuck_orders() -> None:
    crowd = many(1500, Kind.PAST)
    states = [final_state(life) for life in crowd]
    assert {state.stage for state in states} == set(Stage) - {Stage.UNOPENED}
    types = {happening.event["type"] for life in crowd for happening in life.happenings}
    # What operators do to the log itself is left to the people at the board.
    theirs = {"order.correction.v1", "order.dropped.v1", "order.released.v1"}
    assert types >= set(EVENTS) - theirs
    assert types - set(EVENTS), "no event of an unknown type"
    assert len({state.partner for state in states}) == 6
    assert len({state.price_currency for state in states} - {None}) == 6
    overdue = [s for s in states if (target := STAGES[s.stage].target) is not None and NOW - s.stage_since > target]
    assert 0.02 < len(overdue) / len(states) < 0.2
    sizes = [len(orjson.dumps(happening.event)) for life in crowd for happening in life.happenings]
    assert 350 < sum(sizes) / len(sizes) < 700
