"""The pages people read: the board, and one order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from dashboards.operator.answers import story_answer
from dashboards.operator.desk import DeskOf, language_of, page
from dashboards.operator.fragments import View, render
from dashboards.operator.listing.question import QuestionOf, SourceKind
from dashboards.operator.order_view import spans
from dashboards.operator.texts import words
from schemas.lifecycle import FINAL

router = APIRouter(default_response_class=HTMLResponse)

OrderId = Annotated[str, Path(max_length=128)]


@router.get("/")
async def board(request: Request, desk: DeskOf, asked: QuestionOf) -> Response:
    """All lanes, or the one named; of all orders, or of those that the address narrows them to."""
    view = View.of(language_of(request), asked)
    answer = await desk.boards.board(view.question, view.stages, view.limit)
    fragments = render(desk.environment, view, answer, await desk.reads.outboxes(), await desk.reads.notices())
    return await page(
        request, "board.html", view=view, question=view.question, fragments=fragments, sources=list(SourceKind)
    )


@router.get("/orders/{order_id}")
async def order(request: Request, desk: DeskOf, order_id: OrderId) -> Response:
    """One order: where it is, who holds it, and everything that happened to it."""
    story = await desk.reads.story(order_id)
    if story is None:
        t = words(language_of(request))
        message, hint = t("error.not_found", id=order_id), t("error.not_found_hint")
        return await page(request, "error.html", 404, message=message, hint=hint, sought=order_id)
    now = datetime.now(UTC)
    return await page(
        request,
        "order.html",
        story=story,
        spans=spans(story, now),
        finished=story.card is not None and story.card.stage in FINAL,
        whole=orjson.dumps(story_answer(story, now), option=orjson.OPT_INDENT_2).decode(),
    )


@router.get("/orders/{order_id}/events/{stream_offset}")
async def event(request: Request, desk: DeskOf, order_id: OrderId, stream_offset: int) -> Response:
    """One of the order's events as it came: a part of the order's page, or plain text for a reader without scripts."""
    body = await desk.reads.event(order_id, stream_offset)
    if body is None:
        t = words(language_of(request))
        return await page(request, "error.html", 404, message=t("error.no_page"), hint="")
    text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    if "hx-request" in request.headers:
        return HTMLResponse(desk.environment.get_template("event.html").render(body=text))
    return PlainTextResponse(text)
