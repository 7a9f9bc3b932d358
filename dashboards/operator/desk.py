"""What every route needs, made once per app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup

from dashboards.operator.acting.actions import Actions
from dashboards.operator.boards import Boards
from dashboards.operator.database import Database
from dashboards.operator.drawings import Drawings
from dashboards.operator.hot_cache import HotCache
from dashboards.operator.listing.listings import Listings
from dashboards.operator.live import Live
from dashboards.operator.metrics import Metrics
from dashboards.operator.notices import Notices
from dashboards.operator.pipeline.reading import SetAside
from dashboards.operator.pipeline.streams import Streams
from dashboards.operator.reads import Reads
from dashboards.operator.signin.door import Door
from dashboards.operator.signin.people import may_act, person_of
from dashboards.operator.stuck.reading import StuckOrders
from dashboards.operator.texts import LANGUAGES, choose, words

LANGUAGE_COOKIE = "lang"
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Desk:
    """The app's parts."""

    environment: Environment
    cache: HotCache
    database: Database
    reads: Reads
    boards: Boards
    listings: Listings
    stuck: StuckOrders
    door: Door
    live: Live
    notices: Notices
    streams: Streams
    set_aside: SetAside
    actions: Actions
    metrics: Metrics
    drawings: Drawings


def desk_of(request: Request) -> Desk:
    """Return the desk of the request's app."""
    desk: Desk = request.app.state.desk
    return desk


DeskOf = Annotated[Desk, Depends(desk_of)]


def language_of(request: Request) -> str:
    """Return the reader's language: `?lang=`, the cookie, the browser's wish, or the default."""
    return choose(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
    )


async def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a whole page in the reader's language, and remember the language where it was asked for.

    Every page says what is to be known of its figures (`notices`), unless that is among the values.
    """
    language, desk = language_of(request), desk_of(request)
    if "notices" not in values:
        values["notices"] = await desk.notices.now()
    said = {"t": words(language), "now": datetime.now(UTC), "here": request.url, "person": person_of(request)}
    said["posted"] = request.method == "POST"
    said["may_act"] = may_act(person_of(request))
    # Of this page as it was given out, so that a form of it which comes twice can be told. Without `autocomplete` a
    # browser may put a former page's id into it when somebody loads the page anew.
    said["once"] = Markup('<input type="hidden" name="form" value="{}" autocomplete="off">').format(uuid4())
    html = desk.environment.get_template(template).render(said | values)
    response = HTMLResponse(html, status, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, httponly=True, samesite="lax")
    return response
