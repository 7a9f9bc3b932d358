"""A correction that says what should have been said counts as that; one that does not changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from processors.orders.lifecycle import Anomaly
from schemas.lifecycle import Holder, Stage
from tests.processors.telling import story
from tests.support.events import DATA


def corrected(name: str, source: str, hour: float, **data: Any) -> tuple[str, dict[str, Any]]:
    said = {"source": source, "type": f"order.{name}.v1", "data": data or DATA.get(name, {})}
    return "correction", {"hour": hour, "data": {"author": "ada", "reason": "r", "corrected": said}}


def test_an_order_moves_by_it() -> None:
    state, entries = story("submitted", corrected("price_calculated", "/mes", 3))
    assert [entry.stage for entry in entries] == ["submitted", "price_calculated"]
    assert entries[1].held_seconds == 3600
    assert (state.stage, state.holder, state.price_amount) == (Stage.PRICE_CALCULATED, Holder.CRM, Decimal("12.50"))
    assert (state.revision, state.anomalies) == (2, 0)


def test_what_does_not_fit_is_an_anomaly_as_ever() -> None:
    state, entries = story("initiated", "shipped", corrected("submitted", "/shop", 12))
    assert entries[-1].anomalies == (Anomaly.OUT_OF_STEP,)
    assert state.stage == Stage.SHIPPED


def test_an_order_may_begin_with_it_as_if_its_source_had_spoken() -> None:
    one, _ = story(corrected("initiated", "/partners/acme", 0, customer_id="c9"), order_id="acme:1")
    assert (one.stage, one.holder, one.partner, one.customer_id) == (Stage.INITIATED, Holder.PARTNER, "acme", "c9")


def test_one_that_only_says_so_changes_nothing() -> None:
    state, entries = story("submitted", "correction")
    assert (state.stage, entries[1].stage, entries[1].anomalies) == (Stage.SUBMITTED, Stage.SUBMITTED, ())
