"""The audit's own plain fold: where an order stands after an event. It knows the lifecycle's facts, not its code.

An order only moves forward. Nothing moves a closed or cancelled one, and a cancellation comes too late from
`shipped` on. The price is the last one calculated. The partner is the first one named, by the source of the order's
first event or by an `initiated` or `submitted` event; it never changes. A correction that says what should have been
said counts as that.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.audit.messages import CORRECTION, Event
from schemas.lifecycle import FINAL, STAGE_OF_EVENT, STAGES, Stage, partner_of

_TELL_THE_PARTNER = ("order.initiated.v1", "order.submitted.v1")
_PRICED = "order.price_calculated.v1"


class Standing(NamedTuple):
    """Where an order stands. `amount` is the price's decimal string."""

    stage: Stage
    partner: str | None = None
    amount: str | None = None
    currency: str | None = None


def step(before: Standing | None, event: Event) -> Standing:
    """Return where the order stands after a readable event; `before` is None for its first."""
    source, event_type, data = event.source, event.event_type, event.data
    if event_type == CORRECTION and data.get("corrected") is not None:
        said = data["corrected"]
        source, event_type, data = said["source"], said["type"], said.get("data", {})
    after = before or Standing(Stage.UNOPENED, partner_of(source))
    if event_type in _TELL_THE_PARTNER and after.partner is None:
        after = after._replace(partner=partner_of(source) or data.get("partner"))
    if event_type == _PRICED:
        price = data["price"]
        after = after._replace(amount=price["amount"], currency=price["currency"])
    wanted = STAGE_OF_EVENT.get(event_type)
    if wanted is not None and _moves(after.stage, wanted):
        after = after._replace(stage=wanted)
    return after


def _moves(now: Stage, wanted: Stage) -> bool:
    if now in FINAL:
        return False
    if wanted is Stage.CANCELLED:
        return STAGES[now].rank < STAGES[Stage.SHIPPED].rank
    return STAGES[wanted].rank > STAGES[now].rank
