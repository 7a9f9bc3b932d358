"""/sign-in and /sign-out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboards.operator.desk import Desk, DeskOf, page
from dashboards.operator.signin.oidc import NoRole, NotSignedIn
from dashboards.operator.signin.people import Person, person_of
from dashboards.operator.signin.record import note
from schemas.errors import StoreError

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/sign-in")
async def form(request: Request, desk: DeskOf, next: str = "/") -> Response:
    """The form, and the way to the provider."""
    return await _form(request, desk, next)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    desk: DeskOf,
    name: Annotated[str, Form(max_length=128)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    next: Annotated[str, Form(max_length=2048)] = "/",
) -> Response:
    """Begin a session with a name and a password."""
    if "accounts" not in desk.door.ways:
        return await _form(request, desk, next, 403, "wrong")
    async with desk.door.attempts.turn:
        return await _attempt(request, desk, name, password, next)


async def _attempt(request: Request, desk: Desk, name: str, password: str, next: str) -> Response:
    address, key = _address(request), name.strip().lower()
    wait = await desk.door.attempts.wait(key, address)
    if wait:
        note("sign-in refused", who=key, address=address, why="too many attempts")
        response = await _form(request, desk, next, 429, "too_many", name)
        response.headers["Retry-After"] = str(wait)
        return response
    try:
        person = await desk.door.accounts.signed_in(name, password)
    except StoreError:
        return await _form(request, desk, next, 503, "away", name)
    if person is None:
        await desk.door.attempts.failed(key, address)
        note("sign-in refused", who=key, address=address, why="no such name and password")
        return await _form(request, desk, next, 403, "wrong", name)
    return _begun(desk, request, person, next)


@router.get("/sign-in/provider")
async def to_provider(request: Request, desk: DeskOf, next: str = "/") -> Response:
    """Go to the provider of identities. A link leads here: a form may not lead to another host (`form-action`)."""
    if desk.door.provider is None:
        return await _form(request, desk, next, 404)
    try:
        response, way = await desk.door.provider.go(request)
    except NotSignedIn as error:
        note("sign-in refused", address=_address(request), why=str(error))
        return await _form(request, desk, next, 503, "provider_away")
    response.status_code = 303
    desk.door.sessions.leave(response, {**way, "next": own_path(next)})
    return response


@router.get("/sign-in/back")
async def from_provider(request: Request, desk: DeskOf) -> Response:
    """Come back from there."""
    way = desk.door.sessions.back(request.cookies)
    next_path = own_path(str(way.pop("next", "/")))
    if desk.door.provider is None:
        return await _form(request, desk, next_path, 404)
    try:
        person = await desk.door.provider.back(request, way)
    except NotSignedIn as error:
        note("sign-in refused", address=_address(request), why=str(error))
        return await _form(request, desk, next_path, 403, "not_by_provider")
    except NoRole as error:
        note("sign-in refused", who=str(error), address=_address(request), why="no role")
        return await _form(request, desk, next_path, 403, "no_role", str(error))
    response = _begun(desk, request, person, next_path)
    desk.door.sessions.forget_way(response)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, desk: DeskOf) -> Response:
    """End the session in this browser."""
    note("signed out", who=person_of(request).name)
    response = RedirectResponse("/sign-in", 303)
    desk.door.sessions.end(response)
    return response


def own_path(wished: str) -> str:
    """Return where to go after signing in: a path of this board, whatever somebody wished to put there."""
    good = wished.startswith("/") and not wished.startswith(("//", "/\\")) and wished.isprintable()
    return wished if good and not wished.startswith("/sign-") else "/"


def _begun(desk: Desk, request: Request, person: Person, next_path: str) -> Response:
    note("signed in", who=person.name, role=str(person.role), by=person.by, address=_address(request))
    response = RedirectResponse(own_path(next_path), 303)
    desk.door.sessions.begin(response, person)
    return response


async def _form(
    request: Request, desk: Desk, next_path: str, status: int = 200, trouble: str = "", name: str = ""
) -> Response:
    deserted = False
    if "accounts" in desk.door.ways and not trouble:
        try:
            deserted = not await desk.door.accounts.any()
        except StoreError:
            trouble = "away"
    return await page(
        request, "sign_in.html", status, notices=[], next=own_path(next_path), trouble=trouble, name=name,
        ways=desk.door.ways, deserted=deserted,
    )  # fmt: skip


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
