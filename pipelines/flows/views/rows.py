"""Order states as rows of the view tables, and as cards of the hot cache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

import orjson

from pipelines.engine.stores.cache import Spot
from pipelines.engine.stores.packed_rows import INT2, INT4, INT8, MOMENT, chunk_moment, moment, numeric, text, word
from schemas.lifecycle import Holder, Stage
from schemas.views import OrderState

_STAGES = {stage.value: stage for stage in Stage}
_HOLDERS = {holder.value: holder for holder in Holder}

# The parts of an `order_row` that have a fixed width: its beginning, its partition, its end.
_BEGINNING = Struct("!i8sq").pack
_PARTITION = Struct("!8sh").pack
_END = Struct("!8sq8sq8sq8si8si8sq8sq").pack


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
        opened_by=row["opened_by"],
    )


def packed(order_no: int, partition: int, state: OrderState) -> bytes:
    """Return the state as an `order_row`."""
    return b"".join(
        (
            _BEGINNING(17, INT8, order_no),
            text(state.order_id),
            _PARTITION(INT2, partition),
            _standing(state.stage, state.holder, state.partner),
            text(state.customer_id),
            numeric(state.price_amount),
            word(state.price_currency),
            _END(
                MOMENT, moment(state.opened_at), MOMENT, moment(state.stage_since),
                MOMENT, chunk_moment(state.stage_recorded_at), INT4, state.revision, INT4, state.anomalies,
                INT8, state.last_offset, MOMENT, chunk_moment(state.last_recorded_at),
            ),
            word(state.opened_by),
        )
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _standing(stage: Stage, holder: Holder, partner: str | None) -> bytes:
    return word(stage) + word(holder) + word(partner)


def spot_of(state: OrderState) -> Spot:
    """Return where the board shows an order: in its stage, by when it came there, in milliseconds."""
    return Spot(state.stage, int(state.stage_since.timestamp() * 1000))


def card_of(state: OrderState, partition: int) -> bytes:
    """Return the card the board shows of an order: the fields of `schemas.views.CARD`, as JSON."""
    return orjson.dumps(
        (
            state.order_id, partition, state.stage, state.holder, state.partner, state.customer_id,
            None if state.price_amount is None else str(state.price_amount), state.price_currency, state.opened_at,
            state.stage_since, state.revision, state.anomalies, state.last_offset, state.last_recorded_at,
            state.opened_by,
        )
    )  # fmt: skip
