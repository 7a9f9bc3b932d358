"""What an order's state and its timeline say after each event."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from processors.orders.lifecycle import Anomaly
from schemas.lifecycle import Holder, Stage
from tests.processors.telling import RECORDED, story
from tests.support.events import LIFE, START

HOLDERS = {
    "initiated": Holder.SHOP, "file_uploaded": Holder.SHOP, "submitted": Holder.PRICING,
    "price_calculated": Holder.CRM, "manufacturing_approved": Holder.MES, "manufacturing_started": Holder.MES,
    "manufacturing_completed": Holder.MES, "packaging": Holder.MES, "shipped": Holder.CRM, "closed": Holder.NOBODY,
}  # fmt: skip


def test_a_whole_life() -> None:
    state, entries = story(*LIFE)
    assert [entry.stage for entry in entries] == list(LIFE)
    assert [entry.holder for entry in entries] == [HOLDERS[name] for name in LIFE]
    assert [entry.held_seconds for entry in entries] == [None] + [3600.0] * 9
    assert all(entry.anomalies == () for entry in entries)
    assert (state.order_id, state.stage, state.holder) == ("A1", Stage.CLOSED, Holder.NOBODY)
    assert (state.revision, state.anomalies, state.last_offset) == (10, 0, 9)
    assert (state.customer_id, state.partner) == ("c1", None)
    assert (state.price_amount, state.price_currency) == (Decimal("12.50"), "EUR")
    assert (state.opened_at, state.stage_since) == (START, START + timedelta(hours=9))
    assert state.stage_recorded_at == state.last_recorded_at == RECORDED + timedelta(seconds=9)


@pytest.mark.parametrize("name", LIFE)
def test_any_stage_event_may_be_the_first_that_comes(name: str) -> None:
    state, [entry] = story(name)
    assert (state.stage, state.revision) == (name, 1)
    assert entry.held_seconds is None
    skipping = LIFE.index(name) > LIFE.index("manufacturing_approved")
    assert entry.anomalies == ((Anomaly.SKIPPED,) if skipping else ())


@pytest.mark.parametrize("name", ["note_added", "revised", "price_failed", "price_retry_requested", "released"])
def test_an_order_first_heard_of_by_an_event_without_a_stage_is_unopened(name: str) -> None:
    state, [entry] = story((name, {"hour": 3}))
    assert (state.stage, state.holder) == (Stage.UNOPENED, Holder.SHOP)
    assert state.opened_at == state.stage_since == START + timedelta(hours=3)
    assert (entry.stage, entry.held_seconds, entry.anomalies) == (Stage.UNOPENED, None, ())
    state, [_, entry] = story((name, {"hour": 3}), ("initiated", {"hour": 5}))
    assert (state.stage, entry.held_seconds) == (Stage.INITIATED, None)
    assert state.opened_at == START + timedelta(hours=3)


@pytest.mark.parametrize(
    "name", ["revised", "price_retry_requested", "note_added", "correction", "dropped", "released", "price_failed"]
)
def test_events_that_change_no_stage_by_themselves(name: str) -> None:
    before, _ = story("initiated", "file_uploaded")
    state, [*_, entry] = story("initiated", "file_uploaded", (name, {"hour": 9}))
    assert (state.stage, state.holder, state.stage_since) == (before.stage, before.holder, before.stage_since)
    assert state.stage_recorded_at == before.stage_recorded_at
    assert (entry.stage, entry.holder, entry.held_seconds, entry.anomalies) == ("file_uploaded", "shop", None, ())
    assert (state.revision, state.last_offset, state.last_recorded_at) == (3, 2, RECORDED + timedelta(seconds=2))


def test_an_event_of_a_type_nobody_told_us_of_is_in_the_timeline_only() -> None:
    state, entries = story("initiated", ("note_added", {"type": "order.teleported.v1", "data": {"price": 7}}))
    assert (state.stage, state.revision, state.price_amount, state.anomalies) == (Stage.INITIATED, 2, None, 0)
    assert (entries[1].stage, entries[1].held_seconds, entries[1].anomalies) == (Stage.INITIATED, None, ())


def test_each_anomaly_is_told_and_an_event_that_does_not_fit_moves_nothing() -> None:
    state, entries = story(
        "submitted", "submitted", "initiated", ("packaging", {"hour": 5}), ("shipped", {"hour": 6}), "cancelled",
        ("closed", {"hour": 7}), "cancelled", "manufacturing_approved", ("closed", {"hour": 8}),
    )  # fmt: skip
    assert [(entry.stage, *entry.anomalies) for entry in entries] == [
        ("submitted",),
        ("submitted", Anomaly.REPEATED),
        ("submitted", Anomaly.OUT_OF_STEP),
        ("packaging", Anomaly.SKIPPED),
        ("shipped",),
        ("shipped", Anomaly.NOT_ALLOWED),
        ("closed",),
        ("closed", Anomaly.AFTER_END),
        ("closed", Anomaly.AFTER_END),
        ("closed", Anomaly.REPEATED),
    ]
    assert [entry.held_seconds for entry in entries] == [None, None, None, 10800, 3600, None, 3600, None, None, None]
    assert (state.revision, state.anomalies) == (10, 7)


@pytest.mark.parametrize("name", LIFE[:-2])
def test_an_order_may_be_cancelled_before_it_is_shipped(name: str) -> None:
    state, entries = story(*LIFE[: LIFE.index(name) + 1], ("cancelled", {"hour": 20}))
    assert (state.stage, state.holder, state.anomalies) == (Stage.CANCELLED, Holder.NOBODY, 0)
    assert entries[-1].held_seconds == 3600 * (20 - LIFE.index(name))


def test_a_note_after_the_end_is_no_anomaly() -> None:
    state, entries = story("cancelled", "note_added")
    assert (state.anomalies, entries[1].anomalies, entries[1].holder) == (0, (), Holder.NOBODY)
