"""The audit's plain fold and the pipeline's agree on stage, partner and price, whatever comes in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.audit.fold import Standing, step
from pipelines.audit.messages import Event, read_message
from processors.orders.fold import fold
from schemas.orders import parse
from schemas.views import OrderState
from tests.audit.strategies import Fields, good_events
from tests.support.events import LIFE

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@settings(max_examples=1500, deadline=None)
@given(st.lists(good_events(), min_size=1, max_size=14) | st.lists(good_events(names=list(LIFE)), min_size=1))
def test_both_folds_agree_after_every_event(events: list[Fields]) -> None:
    state: OrderState | None = None
    standing: Standing | None = None
    for offset, fields in enumerate(events):
        body = orjson.dumps(fields)
        state, entry = fold(state, parse(body).event, offset, NOW)
        message = read_message(body)
        assert isinstance(message, Event)
        standing = step(standing, message)
        amount = None if standing.amount is None else Decimal(standing.amount)
        ours = (standing.stage, standing.partner, amount, standing.currency)
        assert ours == (state.stage, state.partner, state.price_amount, state.price_currency)
        assert entry.stage == standing.stage
