"""Fold an order's events into its state and timeline. Pure: it sees the event's bytes, offset and chunk time only."""

from __future__ import annotations

from datetime import datetime, timedelta

from processors.orders.lifecycle import Anomaly, next_stage
from schemas.envelope import Envelope
from schemas.lifecycle import STAGE_OF_EVENT, STAGES, Holder, Stage, partner_of
from schemas.orders import Initiated, PriceCalculated, PriceFailed, PriceRetryRequested, Submitted
from schemas.views import OrderState, TimelineEntry

AHEAD = timedelta(minutes=5)
"""So far a producer's clock may be ahead of the broker's before it is not believed."""


def fold(
    state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
) -> tuple[OrderState, TimelineEntry]:
    """Return the order's state after `event`, and the event's place in its story.

    `state` is None before the order's first event, and is not changed. `offset` is the event's place in its
    partition, `recorded_at` its chunk's time (UTC), which stands in for a time from the future.
    """
    future = event.time - recorded_at > AHEAD
    time = recorded_at if future else event.time
    before = state or _unopened(event, time, recorded_at)
    stage = before.stage
    anomalies: tuple[Anomaly, ...] = ()
    wanted = STAGE_OF_EVENT.get(event.type)
    if wanted is not None:
        stage, anomalies = next_stage(before.stage, wanted)
    if future:
        anomalies += (Anomaly.FROM_THE_FUTURE,)
    moved = stage is not before.stage
    held = None
    if moved and before.stage is not Stage.UNOPENED:
        held = (time - before.stage_since).total_seconds()
        if held < 0:
            anomalies += (Anomaly.TIME_REVERSED,)
            held = max(0.0, (recorded_at - before.stage_recorded_at).total_seconds())
    customer_id, partner = before.customer_id, before.partner
    price_amount, price_currency = before.price_amount, before.price_currency
    if type(event) is Initiated or type(event) is Submitted:
        customer_id = event.data.customer_id or customer_id
        partner = partner or partner_of(event.source) or event.data.partner
    elif type(event) is PriceCalculated:
        price_amount, price_currency = event.data.price.value, event.data.price.currency
    holder = _holder(before, stage, event)
    after = OrderState(
        order_id=before.order_id,
        stage=stage,
        holder=holder,
        partner=partner,
        customer_id=customer_id,
        price_amount=price_amount,
        price_currency=price_currency,
        opened_at=before.opened_at,
        stage_since=time if moved else before.stage_since,
        stage_recorded_at=recorded_at if moved else before.stage_recorded_at,
        revision=before.revision + 1,
        anomalies=before.anomalies + bool(anomalies),
        last_offset=offset,
        last_recorded_at=recorded_at,
    )
    return after, TimelineEntry(stage, holder, held, anomalies)


def _unopened(event: Envelope, time: datetime, recorded_at: datetime) -> OrderState:
    return OrderState(
        order_id=event.subject,
        stage=Stage.UNOPENED,
        holder=Holder.SHOP,
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
    )


def _holder(before: OrderState, stage: Stage, event: Envelope) -> Holder:
    """Who acts next: the stage's holder, save that a failed price goes to the operators until it is retried."""
    if stage is not before.stage:
        usual = STAGES[stage].holder
        return Holder.PARTNER if usual is Holder.SHOP and partner_of(event.source) is not None else usual
    if stage is Stage.SUBMITTED and type(event) is PriceFailed:
        return Holder.OPERATORS
    if stage is Stage.SUBMITTED and type(event) is PriceRetryRequested:
        return Holder.PRICING
    return before.holder
