"""An order as it was at a moment: what the log had of it by then, folded as the pipeline folds it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from dashboards.operator.rows import Card, Story
from processors.orders.fold import fold
from schemas.errors import EventRejected, UnknownVersion
from schemas.lifecycle import FINAL
from schemas.orders import parse
from schemas.views import OrderState


class NotReadable(Exception):
    """An event that took effect under another release, and that this one cannot read. `offset`: where it is."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Erased(Exception):
    """The customer was erased, and with the customer what the order's events said."""


def as_it_was(story: Story, bodies: Mapping[int, bytes], at: datetime) -> Story:
    """Return the story up to `at`, by when the log recorded each event. `bodies` are its events by offset.

    Raises:
        Erased, NotReadable: the order's state cannot be told.
    """
    timeline = tuple(entry for entry in story.timeline if entry.recorded_at <= at)
    state: OrderState | None = None
    closed_at = None
    for entry in timeline:
        if not bodies[entry.stream_offset]:
            raise Erased
        try:
            event = parse(bodies[entry.stream_offset]).event
        except (EventRejected, UnknownVersion) as error:
            raise NotReadable(entry.stream_offset) from error
        state, _ = fold(state, event, entry.stream_offset, entry.recorded_at)
        if closed_at is None and state.stage in FINAL:
            closed_at = entry.recorded_at
    parked = tuple(event for event in story.parked if event.recorded_at <= at)
    card = None if state is None else _card(state, timeline[-1].partition)
    return replace(story, card=card, closed_at=closed_at, timeline=timeline, parked=parked)


def _card(state: OrderState, partition: int) -> Card:
    amount = None if state.price_amount is None else format(state.price_amount, "f")
    fields = {name: getattr(state, name) for name in Card.__dataclass_fields__ if name != "partition"}
    return Card(**fields | {"price_amount": amount, "partition": partition})
