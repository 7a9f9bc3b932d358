"""Who comes in: nobody without a session where people sign in, and no change that our own pages did not ask for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.operator.signin import accounts, oidc
from dashboards.operator.signin.accounts import Accounts
from dashboards.operator.signin.origin import is_own, is_safe
from dashboards.operator.signin.record import note
from dashboards.operator.signin.sessions import Session, Sessions
from pipelines.engine.settings import Settings

OPEN = ("/static/", "/sign-in", "/sign-out", "/healthz", "/readyz", "/metrics")
"""What anybody may have."""

CHECK_SECONDS = 10.0
"""How often it is looked whether whoever has an event stream open may still have it."""

BODY_BYTES = 1024 * 1024
"""No form of ours is longer."""

_STREAM = "/api/events"
_WAY = {accounts.BY: "accounts", oidc.BY: "oidc"}


class Guard:
    """Puts who asks into the request's state (`person`), or turns them away."""

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions, accounts: Accounts) -> None:
        self._app = app
        self._needed = settings.board_sign_in != "off"
        self._ways = settings.board_sign_in.replace(" ", "").split(",")
        self._public = settings.board_url
        self._sessions = sessions
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        session = self._sessions.read(request.cookies) if self._needed else None
        if session is not None and _WAY.get(session.person.by) not in self._ways:
            session = None  # of a time when people came in otherwise
        if session is not None and not await self._accounts.holds(session):
            note("session ended", who=session.person.name, why="the account has changed")
            session = None
        if session is not None:
            request.state.person = session.person
        refusal = self._refusal(request, session)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif session is not None and scope["path"] == _STREAM:
            await self._app(scope, self._while_it_holds(session, receive), send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: Request, session: Session | None) -> Response | None:
        if not is_own(request.method, request.headers, self._public):
            name = session.person.name if session else ""
            note("refused", who=name, path=request.url.path, why="it did not come from a page of ours")
            return _problem(403, "Forbidden", "this did not come from a page of this board")
        length = request.headers.get("content-length", "")
        if not is_safe(request.method) and not (length.isdecimal() and int(length) <= BODY_BYTES):
            return _problem(413, "Content Too Large", f"a form has a length, and at most {BODY_BYTES} bytes")
        path = request.url.path
        if not self._needed or session is not None or path.startswith(OPEN):
            return None
        if path.startswith("/api/") or "hx-request" in request.headers or request.method not in ("GET", "HEAD"):
            return _problem(401, "Unauthorized", "sign in first, at /sign-in")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/sign-in?next={quote(path + query, safe='')}", 303)

    def _while_it_holds(self, session: Session, receive: Receive) -> Receive:
        """Let a stream end when the session does: to the app it looks as if the reader had left."""

        async def received() -> Message:
            message = asyncio.ensure_future(receive())
            try:
                while not message.done():
                    await asyncio.wait({message}, timeout=CHECK_SECONDS)
                    over = datetime.now(UTC) >= session.until or not await self._accounts.holds(session)
                    if over and not message.done():
                        return {"type": "http.disconnect"}
                return message.result()
            finally:
                message.cancel()

        return received


def _problem(status: int, title: str, detail: str) -> Response:
    problem = {"title": title, "status": status, "detail": detail}
    return JSONResponse(problem, status, media_type="application/problem+json", headers={"Cache-Control": "no-store"})
