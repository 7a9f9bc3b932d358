"""Order states as rows for a driver that takes values one by one: for making a history, and for the naive rival."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from schemas.views import OrderState

COLUMNS = (
    "order_no", "order_id", "partition", "stage", "holder", "partner", "customer_id", "price_amount", "price_currency",
    "opened_at", "stage_since", "stage_recorded_at", "revision", "anomalies", "last_offset", "last_recorded_at",
    "opened_by",
)  # fmt: skip
"""The columns of `open_orders`; `closed_orders` has `closed_at` behind them."""

CHANGING = (
    "stage", "holder", "partner", "customer_id", "price_amount", "price_currency", "stage_since", "stage_recorded_at",
    "revision", "anomalies", "last_offset", "last_recorded_at",
)  # fmt: skip
"""The columns an event may change."""

changing_of: Callable[[OrderState], tuple[Any, ...]] = attrgetter(*CHANGING)
"""Returns a state's values of the columns `CHANGING`."""

_values_of = attrgetter(*(name for name in COLUMNS if name not in ("order_no", "partition")))


def row_of(order_no: int, partition: int, state: OrderState) -> tuple[Any, ...]:
    """Return the state as a row of `open_orders`."""
    order_id, *values = _values_of(state)
    return (order_no, order_id, partition, *values)
