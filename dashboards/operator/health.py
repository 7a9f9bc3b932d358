"""For whoever runs the board: is it alive, can it answer, what does it count."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from dashboards.operator.desk import DeskOf
from dashboards.operator.hot_cache import CacheAway
from dashboards.operator.stuck.counting import Stuck
from schemas.errors import StoreError

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """The process is alive, whatever its stores do."""
    return {"alive": True}


@router.get("/readyz")
async def readyz(desk: DeskOf) -> JSONResponse:
    """Whether orders can be shown: 503 without Postgres or its tables. Without Redis the board is slower, not wrong."""
    postgres = redis = "ok"
    try:
        await desk.database.standing()
    except StoreError as error:
        postgres = str(error)
    try:
        await desk.cache.ping()
    except CacheAway as error:
        redis = str(error)
    ready = postgres == "ok"
    return JSONResponse({"ready": ready, "postgres": postgres, "redis": redis}, 200 if ready else 503)


@router.get("/metrics")
async def metrics(desk: DeskOf) -> Response:
    """Prometheus' text format."""
    standing, stuck = None, list[Stuck]()
    with suppress(StoreError):
        standing = await desk.reads.standing()
        stuck = await desk.stuck.found()
    lag = None if desk.streams.away else desk.streams.lag
    return Response(desk.metrics.text(standing, stuck, lag), media_type=CONTENT_TYPE_LATEST)
