"""The table of orders: a page of it, all of it as CSV, and the way from a word somebody looks for to what it means."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from dashboards.operator.desk import Desk, DeskOf, language_of, page
from dashboards.operator.formats import rfc3339
from dashboards.operator.listing.finding import SHOWN, find
from dashboards.operator.listing.listings import PAGE, Page
from dashboards.operator.listing.question import Question, QuestionOf, Sort, SourceKind
from dashboards.operator.listing.walk import FURTHEST, BadCursor
from dashboards.operator.rows import Card
from dashboards.operator.texts import words
from schemas.lifecycle import FINAL, STAGES, Holder

router = APIRouter(default_response_class=HTMLResponse)

_FIELDS = (
    "order_id", "stage", "holder", "stage_since", "partner", "customer_id", "price_amount", "price_currency",
    "opened_at", "opened_by", "revision", "anomalies", "partition", "last_offset", "last_recorded_at",
)  # fmt: skip

_FORMULA = re.compile(r"(^|[;,|\t\r\n])(?=\s*[=+\-@＝＋－＠])|^(?=[\t\r])")
"""Where a spreadsheet would take what follows for a formula: at the beginning, or, as it parts fields by other signs in
other countries, in the middle."""


@router.get("/orders")
async def orders(request: Request, desk: DeskOf, asked: QuestionOf) -> Response:
    """A page of the table, by everything that stands in the address."""
    answer = await page_of(desk, asked, PAGE)
    return await page(
        request, "orders.html", question=asked, answer=answer, stages=STAGES, final=FINAL, holders=list(Holder),
        sources=list(SourceKind), currencies=await desk.listings.currencies() if asked.sequence is Sort.PRICE else (),
        furthest=FURTHEST,
    )  # fmt: skip


@router.get("/find")
async def look_for(request: Request, desk: DeskOf, q: Annotated[str, Query(max_length=256)] = "") -> Response:
    """Go to what the word names: an order, or the orders of a customer, a partner, an item; or say what it could be."""
    word = q.strip()
    if not word:
        return RedirectResponse("/orders", 303)
    t = words(language_of(request))
    message, hint = t("find.nothing", word=word), t("find.nothing_hint")
    if "\0" in word:
        return await page(request, "error.html", 404, message=message, hint=hint, sought="")
    found = await find(desk.database, word)
    if found.order:
        return RedirectResponse(f"/orders/{quote(word, safe=':')}", 303)
    if len(found.fields) == 1 and not found.beginning:
        return RedirectResponse(Question().address("/orders", **{found.fields[0]: word}), 303)
    if not found.fields and not found.beginning:
        return await page(request, "error.html", 404, message=message, hint=hint, sought=word)
    return await page(request, "find.html", sought=word, found=found, empty=Question(), most=SHOWN)


@router.get("/orders.csv")
async def exported(desk: DeskOf, asked: QuestionOf) -> StreamingResponse:
    """All orders in question, in its sequence, as CSV (RFC 4180) in UTF-8: moments in UTC, money as decimals."""
    name = f"orders-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    rest = desk.listings.all(asked)
    first = await anext(rest)  # so that what goes wrong at once is no file
    return StreamingResponse(_csv(first, rest), media_type="text/csv; charset=utf-8", headers=headers)


async def page_of(desk: Desk, asked: Question, limit: int) -> Page:
    """Return the page asked for. Raises HTTPException for a cursor that is none."""
    try:
        return await desk.listings.page(asked, limit)
    except BadCursor as error:
        raise HTTPException(422, f"{error} is no place in the table") from error


async def _csv(first: Sequence[Card], rest: AsyncIterator[Sequence[Card]]) -> AsyncIterator[str]:
    yield _lines([_FIELDS, *map(_row, first)])
    async for cards in rest:
        yield _lines(map(_row, cards))


def _row(card: Card) -> list[Any]:
    return [_cell(card, name) for name in _FIELDS]


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(card: Card, name: str) -> Any:
    value = getattr(card, name)
    if isinstance(value, datetime):
        return rfc3339(value)
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value  # words come from outside
