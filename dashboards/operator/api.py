"""The same for machines: /api/board, /api/orders, /api/orders/{id} and /api/outboxes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from dashboards.operator.answers import board_answer, outboxes_answer, page_answer, story_answer
from dashboards.operator.desk import DeskOf
from dashboards.operator.listing.listings import PAGE
from dashboards.operator.listing.question import QuestionOf
from dashboards.operator.order.page import Moment, OrderId, story_of
from dashboards.operator.orders import page_of
from schemas.lifecycle import STAGES

router = APIRouter(prefix="/api")


@router.get("/board")
async def board(
    desk: DeskOf,
    asked: QuestionOf,
    q: Annotated[
        str | None, Query(max_length=128, pattern=r"^[^\x00]*$", description="The order of exactly this id.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many orders.")] = 50,
) -> dict[str, Any]:
    """How many orders there are of each stage and partner, and those that came last into their stage; of stuck ones
    those that have been longest in it. `stage`, `partner`, `source`, `stuck`, `odd`: only such orders."""
    stage = asked.stage
    if q is not None:
        lanes = await desk.reads.board([], 1)
        card = await desk.reads.card(q)
        cards = [card] if card is not None and stage in (None, card.stage) else []
    else:
        lanes = await desk.boards.board(asked, list(STAGES) if stage is None else [stage], limit)
        cards = [card for lane in lanes.lanes for card in lane.cards]
        cards.sort(key=lambda card: (card.stage_since, card.order_id), reverse=True)
    return board_answer(lanes, cards[:limit], datetime.now(UTC))


@router.get("/orders")
async def orders(desk: DeskOf, asked: QuestionOf, limit: Annotated[int, Query(ge=1, le=200)] = PAGE) -> dict[str, Any]:
    """A page of the table, as /orders shows it, with the cursors of those around it."""
    return page_answer(await page_of(desk, asked, limit), asked, datetime.now(UTC))


@router.get("/orders/{order_id}")
async def order(desk: DeskOf, order_id: OrderId, at: Moment = None) -> dict[str, Any]:
    """One order as it stands, or as it was `at` a moment, and its timeline up to then in stream order."""
    story = await story_of(desk, order_id, at)
    if story is None:
        raise HTTPException(404, f"no order {order_id!r}: an id has to match exactly; bad events are in quarantine")
    now = datetime.now(UTC)
    return story_answer(story, now if at is None else min(at, now))


@router.get("/outboxes")
async def outboxes(desk: DeskOf) -> dict[str, Any]:
    """How the services' outboxes stand, as their relays reported it last."""
    return outboxes_answer(await desk.reads.outboxes(), datetime.now(UTC))
