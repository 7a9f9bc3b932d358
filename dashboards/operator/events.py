"""GET /api/events: server-sent events, for a board or for one order's page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from dashboards.operator.desk import Desk, DeskOf, language_of
from dashboards.operator.fragments import View
from dashboards.operator.frames import frame
from dashboards.operator.listing.question import QuestionOf
from dashboards.operator.live import Client

HEARTBEAT_SECONDS = 10.0
"""A stream says at least this often that it is alive; `static/live.js` calls it lost after three times that."""

STREAM = "/api/events"

router = APIRouter()


@router.get(STREAM)
async def events(
    request: Request,
    desk: DeskOf,
    asked: QuestionOf,
    order: Annotated[str | None, Query(max_length=128)] = None,
) -> StreamingResponse:
    """Events named `board` hold the board's changed parts as HTML (all of them at first), in the reader's language;
    with `order`, events named `order` say that the order changed. `alive` says only that."""
    frames = _board(desk, View.of(language_of(request), asked)) if order is None else _order(desk, order)
    return StreamingResponse(
        frames,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},  # a buffering proxy would hold frames back
    )


async def _board(desk: Desk, view: View) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    with desk.live.joined(view=view) as client:
        silent_until = clock() + HEARTBEAT_SECONDS
        while not desk.live.closing:
            # Not from now on: the board is drawn anew every other second, and most often nothing of it has changed.
            await _woken(client, silent_until - clock())
            fragments = client.take(desk.live.drawn(view))
            if not fragments and clock() < silent_until:
                continue
            silent_until = clock() + HEARTBEAT_SECONDS
            if fragments:
                desk.metrics.frames.inc()
                yield desk.live.frames.board(fragments)
            else:
                yield _ALIVE


async def _order(desk: Desk, order_id: str) -> AsyncIterator[bytes]:
    with desk.live.joined(order_id=order_id) as client:
        while not desk.live.closing:
            await _woken(client, HEARTBEAT_SECONDS)
            if client.order_changed:
                client.order_changed = False
                desk.metrics.frames.inc()
                yield frame("order", "changed")
            else:
                yield _ALIVE


async def _woken(client: Client, seconds: float) -> None:
    """Return when the client is woken, and after so many seconds anyhow."""
    try:
        async with asyncio.timeout(seconds):
            await client.wake.wait()
    except TimeoutError:
        return
    client.wake.clear()


_ALIVE = b": alive\n" + frame("alive", "yes")
