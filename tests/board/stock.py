"""Orders for the board: some in every state an operator may meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.engine.transport import Message, SuperStreamPublisher
from tests.support.events import LIFE, event, message
from tests.support.runs import Run

NASTY = "<b>'\"&amp;%2e{}"
"""A valid order id, all of it."""


def at(ago: timedelta, now: datetime | None = None) -> str:
    """A moment so long before now."""
    return ((now or datetime.now(UTC)) - ago).isoformat()


def fresh_life(order_id: str, names: tuple[str, ...], *, ago: timedelta, **attributes: Any) -> list[Message]:
    """An order whose stages followed each other every ten minutes, the last one `ago`."""
    steps, now = range(len(names) - 1, -1, -1), datetime.now(UTC)
    return [
        message(event(order_id, name, time=at(ago + timedelta(minutes=10 * step), now), **attributes))
        for name, step in zip(names, steps, strict=True)
    ]


def stock() -> list[Message]:
    """Orders in all stages, a partner's, one out of step, one stuck, one with an id that is all markup, a parked one,
    and two bad events."""
    now = datetime.now(UTC)
    found: list[Message] = []
    for reached in range(1, len(LIFE) + 1):
        for number in range(3):
            found += fresh_life(f"S{reached}-{number}", LIFE[:reached], ago=timedelta(minutes=reached * 3 + number))
    found += fresh_life("acme:7", LIFE[:2], ago=timedelta(minutes=4), source="/partners/acme")
    found += fresh_life("STUCK-1", LIFE[:3], ago=timedelta(hours=5))
    found += fresh_life(NASTY, LIFE[:2], ago=timedelta(minutes=1))
    found += fresh_life("ODD-1", LIFE[:5], ago=timedelta(minutes=20))
    found.append(message(event("ODD-1", "submitted", event_id="again", time=at(timedelta(minutes=19), now))))
    found.append(message(event("GONE-1", "initiated", time=at(timedelta(hours=2), now))))
    found.append(message(event("GONE-1", "cancelled", time=at(timedelta(hours=1), now))))
    later = event("WAIT-1", "submitted", time=at(timedelta(minutes=2), now)) | {"type": "order.submitted.v9"}
    found.append(message(later))
    found.append(Message("BAD-1", b"not json", "bad-1", "bad"))
    found.append(Message("BAD-2", orjson.dumps({"specversion": "1.0"}), "bad-2", "bad"))
    return found


async def publish(run: Run, *messages: Message) -> None:
    """Publish, and return when the broker has confirmed."""
    async with SuperStreamPublisher(run.settings.stream_url, run.settings.super_stream) as publisher:
        await publisher.publish(list(messages))
