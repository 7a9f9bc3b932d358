"""What operators can do, each a form of a page and an event of an order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import AfterValidator

from dashboards.operator.acting import events
from dashboards.operator.desk import Desk, DeskOf, language_of
from dashboards.operator.order.page import OrderId, in_utc
from dashboards.operator.pipeline.page import message_at, message_page
from dashboards.operator.pipeline.reading import Message
from dashboards.operator.signin.people import OperatorOf, Person
from dashboards.operator.texts import words
from schemas.errors import EventRejected

router = APIRouter(default_response_class=HTMLResponse)

Text = Annotated[str, Form(max_length=4000)]

Once = Annotated[UUID, Form(alias="form")]
"""The form's own id, which the page gave it (`desk.page`)."""


@router.post("/orders/{order_id}/note")
async def note(desk: DeskOf, person: OperatorOf, order_id: OrderId, form: Once, text: Text) -> Response:
    """Add a note to the order's story."""
    return await _of_order(desk, person, events.note(form, order_id, person.name, text.strip()), "note")


@router.post("/orders/{order_id}/release")
async def release(desk: DeskOf, person: OperatorOf, order_id: OrderId, form: Once, reason: Text = "") -> Response:
    """Let the order's parked events be tried again."""
    return await _of_order(desk, person, events.release(form, order_id, person.name, reason.strip()), "release")


@router.post("/orders/{order_id}/retry-price")
async def retry_price(desk: DeskOf, person: OperatorOf, order_id: OrderId, form: Once) -> Response:
    """Ask for the order's price again."""
    return await _of_order(desk, person, events.retry_price(form, order_id, person.name), "retry")


@router.post("/orders/{order_id}/cancel")
async def cancel(desk: DeskOf, person: OperatorOf, order_id: OrderId, form: Once, reason: Text) -> Response:
    """Cancel the order."""
    return await _of_order(desk, person, events.cancel(form, order_id, person.name, reason.strip()), "cancel")


@router.post("/quarantine/{place}/drop")
async def drop(desk: DeskOf, person: OperatorOf, place: str, form: Once, reason: Text) -> Response:
    """Let nothing come of a message in quarantine."""
    message = await message_at(desk, place)
    if message.how is not None:
        return _settled(message, person, place)
    known = message.subject is not None and await desk.set_aside.knows(message.subject)
    return await _of_message(desk, person, events.drop(form, message, person.name, reason.strip(), known=known), place)


@router.post("/quarantine/{place}/correct")
async def correct(
    request: Request,
    desk: DeskOf,
    person: OperatorOf,
    place: str,
    form: Once,
    order: Annotated[str, Form(max_length=128)],
    source: Annotated[str, Form(max_length=256)],
    event_type: Annotated[str, Form(max_length=128)],
    at: Annotated[datetime, AfterValidator(in_utc), Form()],
    data: Annotated[str, Form(max_length=64 * 1024)],
    reason: Text,
) -> Response:
    """Say what a message in quarantine should have said. What makes no sense comes back to be mended."""
    message = await message_at(desk, place)
    if message.how is not None:
        return _settled(message, person, place)
    try:
        said = events.correct(
            form, message, person.name, reason.strip(), order.strip(), source.strip(), event_type, at, _read(data)
        )
        return await _of_message(desk, person, said, place)
    except HTTPException as error:
        why = str(error.detail)
        given = {"order": order, "source": source, "type": event_type, "at": at, "data": data, "reason": reason}
        return await message_page(request, message, given, words(language_of(request))("act.refused", why=why))


def _read(data: str) -> Any:
    try:
        read = orjson.loads(data)
        orjson.dumps(read)  # can be written again: it is not nested too deep for that
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise HTTPException(422, f"JSON: {error}") from error
    return read


async def _of_order(desk: Desk, person: Person, event: events.Event, name: str) -> Response:
    await _take(desk, person, event)
    return RedirectResponse(f"/orders/{quote(event['subject'], safe=':')}?asked={name}", 303)


async def _of_message(desk: Desk, person: Person, event: events.Event, place: str) -> Response:
    await _take(desk, person, event)
    return RedirectResponse(f"/quarantine/{place}?asked=1", 303)


def _settled(message: Message, person: Person, place: str) -> Response:
    """Two corrections would both take effect. Whoever sends his own form again is shown what came of it."""
    if message.author != person.name:
        raise HTTPException(409, f"{message.author} was quicker: the message is {message.how} already")
    return RedirectResponse(f"/quarantine/{place}", 303)


async def _take(desk: Desk, person: Person, event: events.Event) -> None:
    try:
        await desk.actions.take(person, event)
    except EventRejected as error:
        raise HTTPException(422, error.detail) from error
