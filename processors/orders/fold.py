"""Fold an order's events into its state and timeline. Pure: it sees the event's bytes, offset and chunk time only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from processors.orders.lifecycle import Anomaly, next_stage
from schemas.envelope import Envelope
from schemas.lifecycle import STAGE_OF_EVENT, STAGES, Holder, Stage, partner_of
from schemas.orders import Initiated, PriceCalculated, PriceFailed, PriceRetryRequested, Submitted
from schemas.views import OrderState, TimelineEntry


def fold(
    state: OrderState | None, event: Envelope, offset: int, recorded_at: datetime
) -> tuple[OrderState, TimelineEntry]:
    """Return the order's state after `event`, and the event's place in its story.

    `state` is None before the order's first event, and is not changed. `offset` is the event's place in its
    partition, `recorded_at` its chunk's time (UTC).
    """
    before = state or _unopened(event, recorded_at)
    wanted = STAGE_OF_EVENT.get(event.type)
    stage, anomalies = next_stage(before.stage, before.reached, wanted) if wanted else (before.stage, [])
    moved = stage is not before.stage
    held = None
    if moved:
        held, reversed_time = _held_seconds(before, event.time, recorded_at)
        anomalies += [Anomaly.TIME_REVERSED] if reversed_time else []
    after = replace(
        _told_by(before, event),
        stage=stage,
        stage_since=event.time if moved else before.stage_since,
        stage_recorded_at=recorded_at if moved else before.stage_recorded_at,
        reached=before.reached | (1 << STAGES[wanted].rank if wanted else 0),
        revision=before.revision + 1,
        anomalies=before.anomalies + bool(anomalies),
        last_offset=offset,
        last_recorded_at=recorded_at,
    )
    after.holder = _holder(before, after, event)
    return after, TimelineEntry(stage, after.holder, held, tuple(anomalies))


def _unopened(event: Envelope, recorded_at: datetime) -> OrderState:
    return OrderState(
        order_id=event.subject,
        stage=Stage.UNOPENED,
        holder=Holder.SHOP,
        partner=partner_of(event.source),
        customer_id=None,
        price_amount=None,
        price_currency=None,
        opened_at=event.time,
        stage_since=event.time,
        stage_recorded_at=recorded_at,
        reached=0,
        revision=0,
        anomalies=0,
        last_offset=-1,
        last_recorded_at=recorded_at,
    )


def _held_seconds(before: OrderState, time: datetime, recorded_at: datetime) -> tuple[float | None, bool]:
    """How long the stage before lasted, and whether the producers' clocks run backwards over it.

    By the producers' times; where that is negative, by the broker's. None for an order that was in no stage.
    """
    if before.stage is Stage.UNOPENED:
        return None, False
    held = (time - before.stage_since).total_seconds()
    if held >= 0:
        return held, False
    return max(0.0, (recorded_at - before.stage_recorded_at).total_seconds()), True


def _told_by(state: OrderState, event: Envelope) -> OrderState:
    """What the event says beside its stage: customer, partner, price."""
    if isinstance(event, Initiated | Submitted):
        return replace(
            state,
            customer_id=event.data.customer_id or state.customer_id,
            partner=state.partner or partner_of(event.source) or event.data.partner,
        )
    if isinstance(event, PriceCalculated):
        price = event.data.price
        return replace(state, price_amount=price.value, price_currency=price.currency)
    return state


def _holder(before: OrderState, after: OrderState, event: Envelope) -> Holder:
    """Who acts next: the stage's holder, save that a failed price goes to the operators until it is retried."""
    usual = STAGES[after.stage].holder
    if usual is Holder.SHOP and partner_of(event.source) is not None:
        usual = Holder.PARTNER
    if after.stage is not before.stage:
        return usual
    if after.stage is Stage.SUBMITTED and isinstance(event, PriceFailed):
        return Holder.OPERATORS
    if after.stage is Stage.SUBMITTED and isinstance(event, PriceRetryRequested):
        return Holder.PRICING
    return before.holder
