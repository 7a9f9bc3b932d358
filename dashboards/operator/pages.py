"""The board."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboards.operator.desk import DeskOf, language_of, page
from dashboards.operator.fragments import View
from dashboards.operator.listing.question import QuestionOf, SourceKind

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/")
async def board(request: Request, desk: DeskOf, asked: QuestionOf) -> Response:
    """All lanes, or the one named; of all orders, or of those that the address narrows them to."""
    view = View.of(language_of(request), asked)
    answer = await desk.boards.board(view.question, view.stages, view.limit)
    said = await desk.notices.now()
    fragments = desk.drawings.draw(view, answer, await desk.reads.outboxes(), said)
    return await page(
        request, "board.html", view=view, question=view.question, fragments=fragments, sources=list(SourceKind),
        notices=said,
    )  # fmt: skip
