"""Which stage an order is in after an event, and what did not fit. Pure.

The log keeps order; the state machine forgives. A stage event the lifecycle allows moves the order; one it does
not allow is kept, marked as an anomaly, and moves nothing: a late "approved" never pulls a shipped order back.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.lifecycle import FINAL, GATES, STAGES, Stage


class Anomaly(StrEnum):
    """What did not fit.

    `OUT_OF_STEP`: a stage the order has passed already. `REPEATED`: the stage it is in. `SKIPPED`: the order moved,
    but over a gate nobody may pass over. `NOT_ALLOWED`: a cancellation after shipping. `AFTER_END`: another stage after
    the order was closed or cancelled. `TIME_REVERSED`: the producer's time is before the stage began.
    `FROM_THE_FUTURE`: it is ahead of the broker's, by more than clocks may differ.
    """

    OUT_OF_STEP = "out_of_step"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    NOT_ALLOWED = "not_allowed"
    AFTER_END = "after_end"
    TIME_REVERSED = "time_reversed"
    FROM_THE_FUTURE = "from_the_future"


def next_stage(current: Stage, wanted: Stage) -> tuple[Stage, tuple[Anomaly, ...]]:
    """Return the stage after a `wanted` stage event on an order in `current`, and what did not fit."""
    return _NEXT[current][wanted]


def _rule(current: Stage, wanted: Stage) -> tuple[Stage, tuple[Anomaly, ...]]:
    now, then = STAGES[current].rank, STAGES[wanted].rank
    if wanted is current:
        return current, (Anomaly.REPEATED,)
    if current in FINAL:
        return current, (Anomaly.AFTER_END,)
    if wanted is Stage.CANCELLED:
        return (current, (Anomaly.NOT_ALLOWED,)) if now >= STAGES[Stage.SHIPPED].rank else (wanted, ())
    if then < now:
        return current, (Anomaly.OUT_OF_STEP,)
    passed_over = any(now < STAGES[gate].rank < then for gate in GATES)
    return wanted, (Anomaly.SKIPPED,) if passed_over else ()


_NEXT = {current: {wanted: _rule(current, wanted) for wanted in Stage} for current in Stage}
