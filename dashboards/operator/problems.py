"""Errors as people and machines can use them: a small page, or a JSON problem (RFC 9457). Never a stack trace."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from dashboards.operator.desk import language_of, page
from dashboards.operator.middleware import SECURITY_HEADERS
from dashboards.operator.texts import words
from schemas.errors import StoreError, StreamError, WarrenError

log = logging.getLogger(__name__)

_FOR_MACHINES = ("/api/", "/healthz", "/readyz", "/metrics")


def add_problems(app: FastAPI) -> None:
    """Make every error of `app` a page or a problem."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        key = "error.no_page" if error.status_code == HTTPStatus.NOT_FOUND else "error.bad"
        return await _answer(request, error.status_code, error.detail, key)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return await _answer(
            request, HTTPStatus.UNPROCESSABLE_ENTITY, f"{first['loc'][-1]}: {first['msg']}", "error.bad"
        )

    @app.exception_handler(StreamError)
    @app.exception_handler(StoreError)
    async def away(request: Request, error: WarrenError) -> Response:
        log.warning("%s cannot be answered: %s", request.url.path, error)
        answer = await _answer(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error), "error.away", "error.away_hint")
        answer.headers["Retry-After"] = "2"
        return answer

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        # This one is sent from outside the middleware, and the server logs the trace.
        answer = await _answer(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "see the log", "error.broken", "error.broken_hint"
        )
        answer.headers.update(SECURITY_HEADERS)
        return answer


async def _answer(request: Request, status: int, detail: str, key: str, hint: str | None = None) -> Response:
    if request.url.path.startswith(_FOR_MACHINES):
        problem = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        return JSONResponse(problem, status, media_type="application/problem+json")
    t = words(language_of(request))
    texts = {"message": t(key, detail=detail), "hint": t(hint, detail=detail) if hint else ""}
    # The message says it already where stores are away.
    return await page(request, "error.html", status, notices=[], **texts)
