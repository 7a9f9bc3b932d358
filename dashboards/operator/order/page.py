"""The pages of one order: where it is, who holds it, what comes next, everything that happened, and how it once was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from pydantic import AfterValidator, BeforeValidator

from dashboards.operator.answers import story_answer
from dashboards.operator.desk import Desk, DeskOf, language_of, page
from dashboards.operator.order.following import can_be_cancelled, next_of
from dashboards.operator.order.past import Erased, NotReadable
from dashboards.operator.order.picture import HEIGHT, WIDTH, picture
from dashboards.operator.order.spans import spans
from dashboards.operator.rows import Story
from dashboards.operator.texts import words
from schemas.lifecycle import FINAL

router = APIRouter(default_response_class=HTMLResponse)

Asked = Literal["note", "release", "retry", "cancel"]
"""What somebody has just done."""

OrderId = Annotated[str, Path(max_length=128)]


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, as which one without a zone is taken. Raises ValueError where there is no such one."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such moment") from error


Moment = Annotated[
    datetime | None,
    BeforeValidator(lambda value: value or None),
    AfterValidator(lambda moment: None if moment is None else in_utc(moment)),
    Query(description="The order as it was then (UTC, where no zone is given)."),
]


async def story_of(desk: Desk, order_id: str, at: datetime | None) -> Story | None:
    """Return the order as it is, or as it was. Raises HTTPException where that cannot be told."""
    try:
        return await desk.reads.story(order_id) if at is None else await desk.reads.past(order_id, at)
    except Erased as error:
        raise HTTPException(410, "its customer was erased, and with him what the order's events said") from error
    except NotReadable as error:
        raise HTTPException(422, f"this release cannot read the event at offset {error.offset}") from error


@router.get("/orders/{order_id}")
async def order(
    request: Request, desk: DeskOf, order_id: OrderId, at: Moment = None, asked: Asked | None = None
) -> Response:
    """One order as it is, or as it was `at` a moment."""
    t = words(language_of(request))
    story = await story_of(desk, order_id, at)
    if story is None:
        message, hint = t("error.not_found", id=order_id), t("error.not_found_hint")
        return await page(request, "error.html", 404, message=message, hint=hint, sought=order_id)
    now = datetime.now(UTC)
    then = now if at is None else min(at, now)
    drawn = spans(story, then)
    return await page(
        request,
        "order.html",
        story=story,
        past=at is not None,
        asked=asked,
        may_cancel=story.card is not None and can_be_cancelled(story.card),
        then=then,
        spans=drawn,
        picture=picture(drawn),
        width=WIDTH,
        height=HEIGHT,
        next=None if story.card is None else next_of(story.card),
        finished=story.card is not None and story.card.stage in FINAL,
        whole=orjson.dumps(story_answer(story, then), option=orjson.OPT_INDENT_2).decode(),
    )


@router.get("/orders/{order_id}/events/{stream_offset}")
async def event(request: Request, desk: DeskOf, order_id: OrderId, stream_offset: int) -> Response:
    """One of the order's events as it came: a part of the order's page, or plain text for a reader without scripts."""
    body = await desk.reads.event(order_id, stream_offset)
    if body is None:
        t = words(language_of(request))
        return await page(request, "error.html", 404, message=t("error.no_page"), hint="")
    if body:
        try:
            text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # nested too deep to be written again
            text = body.decode(errors="backslashreplace")
    else:
        text = words(language_of(request))("order.event_erased")
    if "hx-request" in request.headers:
        return HTMLResponse(desk.environment.get_template("event.html").render(body=text))
    return PlainTextResponse(text)
