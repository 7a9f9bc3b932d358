"""GET /pipeline: whether events take effect, how soon, and what waits for a human; GET /quarantine/3:1204 of that."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import HTMLResponse, Response

from dashboards.operator.answers import lag_answer
from dashboards.operator.desk import Desk, DeskOf, language_of, page
from dashboards.operator.order.page import in_utc
from dashboards.operator.outboxes import query
from dashboards.operator.pipeline.lag import every
from dashboards.operator.pipeline.reading import Message
from dashboards.operator.rows import COUNTED
from dashboards.operator.texts import words
from pipelines.edges.outbox.lag import COUNTED as PENDING_COUNTED
from schemas.errors import StreamUnavailable
from schemas.orders import EVENTS

SHOWN = 20

router = APIRouter(default_response_class=HTMLResponse)

Place = Annotated[str, Path(max_length=32)]

CORRECTABLE = [name for name in EVENTS if name.split(".")[1] not in ("note_added", "correction", "dropped", "released")]
"""What a message may be corrected to: all that happens to orders."""

_PLACE = re.compile(r"([0-9]{1,4}):([0-9]{1,18})", re.ASCII).fullmatch


@router.get("/pipeline")
async def pipeline(request: Request, desk: DeskOf) -> Response:
    """The partitions, outboxes, stores, and what was set aside."""
    standing = await desk.reads.standing()
    quarantined, parked = await desk.set_aside.newest(SHOWN)
    lag = None if desk.streams.away else desk.streams.lag
    waits = {} if lag is None else {one.position.partition: one for one in lag.partitions}
    return await page(
        request, "pipeline.html", standing=standing, lag=lag, waits=waits,
        positions=every(standing.positions, max(len(waits), len(standing.positions))),
        quarantined=quarantined, parked=parked, most=SHOWN, counted=COUNTED, hits=desk.metrics.cache_hits(),
        outboxes=await desk.reads.outboxes(), query=query, pending_counted=PENDING_COUNTED,
    )  # fmt: skip


@router.get("/quarantine/{place}")
async def message(request: Request, desk: DeskOf, place: Place, asked: str = "") -> Response:
    """One message in quarantine: why it is there, its bytes, what was done about it, and what can be."""
    found = await message_at(desk, place)
    return await message_page(request, found, as_it_came(found), asked=bool(asked))


async def message_at(desk: Desk, place: str) -> Message:
    """Return the message in quarantine at a place. Raises HTTPException where there is none."""
    match = _PLACE(place)
    found = None if match is None else await desk.set_aside.message(int(match[1]), int(match[2]))
    if found is None:
        raise HTTPException(404, f"no message {place} is in quarantine")
    return found


async def message_page(
    request: Request, found: Message, given: dict[str, Any], trouble: str = "", *, asked: bool = False
) -> Response:
    """Return its page; `given` is what stands in the form that corrects it, `trouble` what is wrong with that."""
    return await page(
        request, "quarantined.html", 422 if trouble else 200, message=found, given=given, trouble=trouble, asked=asked,
        body=found.body.decode(errors="backslashreplace") or words(language_of(request))("message.nothing"),
        event_types=CORRECTABLE,
    )  # fmt: skip


def as_it_came(found: Message) -> dict[str, Any]:
    """Return what of a message can be read, to be corrected."""
    read: Any = None
    try:
        read = orjson.loads(found.body)
        data = orjson.dumps(read["data"], option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, KeyError, TypeError):
        data = "{}"
    return {
        "order": found.subject or "", "source": found.source or "", "type": found.event_type or "", "data": data,
        "at": _happened(read) or found.recorded_at, "reason": "",
    }  # fmt: skip


def _happened(read: Any) -> datetime | None:
    """When a message says that it happened; None where it does not, or nobody can tell."""
    try:
        return in_utc(datetime.fromisoformat(read["time"]))
    except (KeyError, TypeError, ValueError):
        return None


machines = APIRouter(prefix="/api")


@machines.get("/pipeline")
async def pipeline_for_machines(desk: DeskOf) -> dict[str, Any]:
    """How many events wait in each partition, for how long, and whether it moves; as looked at `read_at`."""
    if desk.streams.lag is None:
        raise StreamUnavailable("the streams have not been looked at yet; is the broker up? see WARREN_STREAM_URL")
    return lag_answer(desk.streams.lag, datetime.now(UTC)) | {"broker_away": desk.streams.away}
