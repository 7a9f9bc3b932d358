"""Order states as rows of the view tables, and as cards of the hot cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import orjson

from pipelines.engine.stores.cache import CardChange
from schemas.lifecycle import Holder, Stage
from schemas.views import OrderState

COLUMNS = (
    "order_no", "order_id", "partition", "stage", "holder", "partner", "customer_id", "price_amount", "price_currency",
    "opened_at", "stage_since", "stage_recorded_at", "revision", "anomalies", "last_offset", "last_recorded_at",
)  # fmt: skip
"""The columns of `open_orders`; `closed_orders` has `closed_at` behind them."""

CHANGING = (
    "stage", "holder", "partner", "customer_id", "price_amount", "price_currency", "stage_since", "stage_recorded_at",
    "revision", "anomalies", "last_offset", "last_recorded_at",
)  # fmt: skip
"""The columns an event may change, in the order the update statements take them."""


changing_of: Callable[[OrderState], tuple[Any, ...]] = attrgetter(*CHANGING)
"""Returns a state's values of the columns `CHANGING`."""

_STAGES = {stage.value: stage for stage in Stage}
_HOLDERS = {holder.value: holder for holder in Holder}
_values_of = attrgetter(*(name for name in COLUMNS if name not in ("order_no", "partition")))


def state_of(row: Mapping[str, Any]) -> OrderState:
    """Return the state in a row of either table."""
    return OrderState(
        order_id=row["order_id"],
        stage=_STAGES[row["stage"]],
        holder=_HOLDERS[row["holder"]],
        partner=row["partner"],
        customer_id=row["customer_id"],
        price_amount=row["price_amount"],
        price_currency=row["price_currency"],
        opened_at=row["opened_at"],
        stage_since=row["stage_since"],
        stage_recorded_at=row["stage_recorded_at"],
        revision=row["revision"],
        anomalies=row["anomalies"],
        last_offset=row["last_offset"],
        last_recorded_at=row["last_recorded_at"],
    )


def row_of(order_no: int, partition: int, state: OrderState) -> tuple[Any, ...]:
    """Return the state as a row of `open_orders`."""
    order_id, *values = _values_of(state)
    return (order_no, order_id, partition, *values)


def lane_score(state: OrderState) -> int:
    """Return an order's place in its lane, the newest highest: when it was opened, in milliseconds."""
    return int(state.opened_at.timestamp() * 1000)


def card_of(state: OrderState, partition: int, lane_before: str) -> CardChange:
    """Return the card the board shows of an order."""
    card = {
        "order_id": state.order_id,
        "partition": partition,
        "stage": state.stage,
        "holder": state.holder,
        "partner": state.partner,
        "customer_id": state.customer_id,
        "price_amount": None if state.price_amount is None else str(state.price_amount),
        "price_currency": state.price_currency,
        "opened_at": state.opened_at,
        "stage_since": state.stage_since,
        "revision": state.revision,
        "anomalies": state.anomalies,
        "last_offset": state.last_offset,
        "last_recorded_at": state.last_recorded_at,
    }
    return CardChange(
        order_id=state.order_id,
        card=orjson.dumps(card),
        lane_before=lane_before,
        lane=state.stage,
        score=lane_score(state),
    )
