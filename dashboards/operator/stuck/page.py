"""GET /stuck: where orders are stuck, at whom, since when, and whether it gets better."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboards.operator.desk import DeskOf, page
from dashboards.operator.listing.question import Question, Sort
from dashboards.operator.stuck.counting import DAYS
from dashboards.operator.stuck.drawing import HEIGHT, WIDTH, points

WORST = 20

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/stuck")
async def stuck_orders(request: Request, desk: DeskOf) -> Response:
    """Places by their stages, and the orders that have been longest in theirs."""
    places = await desk.stuck.found()
    worst = await desk.listings.page(Question(stuck=True, sort=Sort.LONGEST), WORST)
    return await page(
        request, "stuck.html", places=places, total=sum(place.orders for place in places), worst=worst, days=DAYS,
        points=points, width=WIDTH, height=HEIGHT, question=Question(stuck=True),
    )  # fmt: skip


machines = APIRouter(prefix="/api")


@machines.get("/stuck")
async def stuck_for_machines(desk: DeskOf) -> dict[str, Any]:
    """The same as JSON. `trend` is the number at the end (UTC) of each of the last days, the oldest first, and now."""
    return {
        "places": [
            {
                "stage": found.place.stage,
                "holder": found.place.holder,
                "orders": found.orders,
                "since": None if found.since is None else found.since.isoformat(),
                "trend": list(found.trend),
            }
            for found in await desk.stuck.found()
        ]
    }
