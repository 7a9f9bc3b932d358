"""What is to happen to an order next, by whom, and by when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboards.operator.rows import Card, target_of
from schemas.lifecycle import FINAL, STAGES, Holder, Stage


@dataclass(frozen=True, slots=True)
class Next:
    """The `stage` that `holder` is to bring the order to. `due`: when it passes its stage's target; None: never.

    `price_failed`: first somebody has to ask for the price again, as the order cannot go on by itself.
    """

    stage: Stage
    holder: str
    due: datetime | None
    price_failed: bool = False


def can_be_cancelled(card: Card) -> bool:
    """Whether the order has not gone too far for that."""
    return card.stage in STAGES and STAGES[Stage(card.stage)].rank < STAGES[Stage.SHIPPED].rank


def next_of(card: Card) -> Next | None:
    """Return what comes next; None for a finished order, or in a stage this release does not know."""
    if card.stage not in STAGES or card.stage in FINAL:
        return None
    target = target_of(card.stage)
    due = None if target is None else card.stage_since + target
    rank = STAGES[Stage(card.stage)].rank + 1
    stage = next(stage for stage, facts in STAGES.items() if facts.rank == rank)
    failed = card.stage == Stage.SUBMITTED and card.holder == Holder.OPERATORS
    return Next(stage, card.holder, due, failed)
