"""What operators do, as events: each under `/operators`, with the operator's name. Pure but for the clock.

Each is asked for by a `form`, which has an id of its own. The event's id comes from that and from what the event says:
a form that is sent twice, by somebody or by a proxy whose instance died, is the same event again, which takes effect
once (I2); with other words in it, it is another.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from dashboards.operator.formats import rfc3339
from dashboards.operator.pipeline.reading import Message
from schemas.lifecycle import NO_ORDER
from schemas.orders import QUARANTINE

SOURCE = "/operators"

Event = dict[str, Any]


def event(form: UUID, order_id: str, name: str, data: dict[str, Any], at: datetime | None = None) -> Event:
    """Return `order.<name>.v1` about an order, of now or `at` another moment."""
    event_type = f"order.{name}.v1"
    return {
        "specversion": "1.0",
        "id": str(uuid5(form, orjson.dumps([event_type, order_id, data], option=orjson.OPT_SORT_KEYS).decode())),
        "source": SOURCE,
        "type": event_type,
        "subject": order_id,
        "time": rfc3339(at or datetime.now(UTC)),
        "data": data,
    }


def note(form: UUID, order_id: str, author: str, text: str) -> Event:
    """A note on an order."""
    return event(form, order_id, "note_added", {"author": author, "text": text})


def release(form: UUID, order_id: str, author: str, reason: str) -> Event:
    """Ask for an order's parked events to be tried again."""
    return event(form, order_id, "released", {"author": author} | ({"reason": reason} if reason else {}))


def retry_price(form: UUID, order_id: str, author: str) -> Event:
    """Ask for an order's price again."""
    return event(form, order_id, "price_retry_requested", {"author": author})


def cancel(form: UUID, order_id: str, author: str, reason: str) -> Event:
    """Cancel an order."""
    return event(form, order_id, "cancelled", {"author": author, "reason": reason})


def drop(form: UUID, message: Message, author: str, reason: str, *, known: bool) -> Event:
    """Say that nothing is to come of a message in quarantine.

    It is said of the message's order where that is `known`. Otherwise of none: no order should begin with what is
    dropped.
    """
    nobodys = f"{NO_ORDER}quarantine-{message.partition}-{message.stream_offset}"
    subject = message.subject if known and message.subject is not None else nobodys
    return event(form, subject, "dropped", {"author": author, "reason": reason, "event": _about(message)})


def correct(
    form: UUID, message: Message, author: str, reason: str, order_id: str, source: str, event_type: str, at: datetime,
    data: dict[str, Any],
) -> Event:  # fmt: skip
    """Say what a message in quarantine should have said: it takes effect as if `source` had sent that."""
    said = {"source": source, "type": event_type, "data": data}
    about = {"author": author, "reason": reason, "event": _about(message), "corrected": said}
    return event(form, order_id, "correction", about, at)


def _about(message: Message) -> dict[str, str]:
    return {"source": QUARANTINE, "id": message.place}
