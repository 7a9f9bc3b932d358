"""Fold an order's events into its state and timeline. Pure: it sees the event's bytes, offset and chunk time only."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from processors.orders.lifecycle import Anomaly, next_stage
from schemas.envelope import Envelope
from schemas.erasure import ERASED
from schemas.lifecycle import STAGE_OF_EVENT, STAGES, Holder, Stage, partner_of
from schemas.orders import (
    Correction,
    Initiated,
    PriceCalculated,
    PriceFailed,
    PriceRetryRequested,
    Submitted,
    effective,
)
from schemas.views import OrderState, TimelineEntry

AHEAD = timedelta(minutes=5)
"""So far a producer's clock may be ahead of the broker's before it is not believed."""

# An enumeration looks its members up in Python, at the price of three such names.
_UNOPENED, _SUBMITTED, _SHOP = Stage.UNOPENED, Stage.SUBMITTED, Holder.SHOP

_HOLDER = {stage: facts.holder for stage, facts in STAGES.items()}


def fold(
    state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime, erased: Container[str] = ()
) -> tuple[OrderState, TimelineEntry]:
    """Return the order's state after `event`, and the event's place in its story.

    `state` is None before the order's first event, and is not changed. `offset` is the event's place in its
    partition, `recorded_at` its chunk's time (UTC), which stands in for a time from the future. A correction has the
    effect of what it says should have been said. An order that ever was of one of the `erased` customers is of
    `ERASED` for ever.
    """
    if type(event) is Correction:
        event = effective(event)
    time, kind, source = event.time, type(event), event.source
    future = time - recorded_at > AHEAD
    if future:
        time = recorded_at
    after = _unopened(event, time, recorded_at) if state is None else state.copy()
    before = stage = after.stage
    anomalies: tuple[Anomaly, ...] = ()
    wanted = STAGE_OF_EVENT.get(event.type)
    if wanted is not None:
        stage, anomalies = next_stage(before, wanted)
    if future:
        anomalies += (Anomaly.FROM_THE_FUTURE,)
    held = None
    if stage is not before:
        if before is not _UNOPENED:
            held = (time - after.stage_since).total_seconds()
            if held < 0:
                anomalies += (Anomaly.TIME_REVERSED,)
                held = max(0.0, (recorded_at - after.stage_recorded_at).total_seconds())
        after.stage, after.stage_since, after.stage_recorded_at = stage, time, recorded_at
        holder = _HOLDER[stage]
        # Who speaks to the shop through a partner is asked through the partner, too.
        after.holder = Holder.PARTNER if holder is _SHOP and partner_of(source) is not None else holder
    elif stage is _SUBMITTED:
        # A failed price goes to the operators until it is retried.
        if kind is PriceFailed:
            after.holder = Holder.OPERATORS
        elif kind is PriceRetryRequested:
            after.holder = Holder.PRICING
    if kind is Initiated or kind is Submitted:
        named = event.data.customer_id
        if named is not None and after.customer_id != ERASED:
            after.customer_id = ERASED if named in erased else named
        after.partner = after.partner or partner_of(source) or event.data.partner
    elif kind is PriceCalculated:
        after.price_amount, after.price_currency = event.data.price.value, event.data.price.currency
    after.revision += 1
    if anomalies:
        after.anomalies += 1
    after.last_offset, after.last_recorded_at = offset, recorded_at
    return after, TimelineEntry(stage, after.holder, held, anomalies)


def _unopened(event: Envelope, time: datetime, recorded_at: datetime) -> OrderState:
    return OrderState(
        order_id=event.subject,
        stage=_UNOPENED,
        holder=_SHOP,
        partner=partner_of(event.source),
        customer_id=None,
        price_amount=None,
        price_currency=None,
        opened_at=time,
        stage_since=time,
        stage_recorded_at=recorded_at,
        revision=0,
        anomalies=0,
        last_offset=-1,
        last_recorded_at=recorded_at,
        opened_by=event.source,
    )
