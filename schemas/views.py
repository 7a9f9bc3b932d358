"""The rows of the read views, as the pipeline writes them and the board reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from schemas.lifecycle import NO_ORDER, Holder, Stage

NO_PARTNER = ""
"""In the counts, the partner of an order that came without one."""


@dataclass(slots=True)
class OrderState:
    """What is known of one order after `revision` events.

    `stage_since` is when its stage began by the producer's clock, `stage_recorded_at` by the broker's. `opened_at`
    is the first event's time; a producer's time from the future stands in neither, but the broker's. `opened_by` is the
    first event's source. `price` is the last one calculated. `anomalies` counts the events that did not fit.
    """

    order_id: str
    stage: Stage
    holder: Holder
    partner: str | None
    customer_id: str | None
    price_amount: Decimal | None
    price_currency: str | None
    opened_at: datetime
    stage_since: datetime
    stage_recorded_at: datetime
    revision: int
    anomalies: int
    last_offset: int
    last_recorded_at: datetime
    opened_by: str

    def copy(self) -> OrderState:
        """Return a copy. Every event makes one; with names its arguments cost three times as much."""
        return OrderState(
            self.order_id, self.stage, self.holder, self.partner, self.customer_id, self.price_amount,
            self.price_currency, self.opened_at, self.stage_since, self.stage_recorded_at, self.revision,
            self.anomalies, self.last_offset, self.last_recorded_at, self.opened_by,
        )  # fmt: skip


def is_order(state: OrderState) -> bool:
    """Say whether there is such an order, or only something said of no order (`NO_ORDER`)."""
    return not state.order_id.startswith(NO_ORDER)


CARD = (
    "order_id", "partition", "stage", "holder", "partner", "customer_id", "price_amount", "price_currency", "opened_at",
    "stage_since", "revision", "anomalies", "last_offset", "last_recorded_at", "opened_by",
)  # fmt: skip
"""The fields of a card in the hot cache, which is an array of their values: half as long as an object."""


class TimelineEntry(NamedTuple):
    """One event in an order's story.

    `stage` is the stage after it, `held_seconds` how long the order stood in the stage that it ended (None where
    it ended none), `anomalies` what did not fit, as words of `processors.orders.lifecycle`.
    """

    stage: Stage
    holder: Holder
    held_seconds: float | None
    anomalies: tuple[str, ...]
