"""Messages that must end in quarantine, each made from an order's good event, with the reason why."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson

from cli.demo.planned import Fate, Planned, Sender, sender_of
from cli.demo.world import new_id
from schemas.envelope import MAX_EVENT_BYTES
from schemas.errors import Reason

Event = dict[str, Any]

FALLBACK_ID = "unreadable"
"""The message id of what has no readable event id; of no meaning to anyone."""


def unparsable(event: Event, chance: random.Random) -> bytes:
    """Not JSON: a body cut short, bytes of something else, or JSON that is no object."""
    whole = orjson.dumps(event)
    return chance.choice([whole[: len(whole) // 2], b"\xff\xfe" + whole, b"", orjson.dumps([event]), b"ping"])


def invalid(event: Event, chance: random.Random) -> bytes:
    """JSON, but not what an event must be."""
    price = {"price": {"amount": 12.5, "currency": "EUR"}}
    wrong: list[Event] = [
        {"time": "yesterday"},
        {"time": "2026-02-30T12:00:00Z"},
        {"id": ""},
        {"subject": None},
        {"data": []},
        {"source": "/mes", "type": "order.price_calculated.v1", "data": price},
        {"source": "/crm", "type": "order.note_added.v1", "data": {"text": "who wrote this?"}},
    ]
    return orjson.dumps({**event, "id": new_id(chance), "type": "order.note_added.v1", **chance.choice(wrong)})


def oversized(event: Event, chance: random.Random) -> bytes:
    """Somebody put a file into an event."""
    return orjson.dumps({**event, "id": new_id(chance), "data": {"attachment": "A" * (MAX_EVENT_BYTES + 1)}})


def forbidden(event: Event, chance: random.Random) -> bytes:
    """A source that may not say this: the wrong service, a partner about a stranger's order, or nobody we know."""
    note = {"type": "order.note_added.v1", "data": {"text": "hello", "author": "demo"}}
    wrong: list[Event] = [
        {"source": "/shop", "type": "order.shipped.v1", "data": {}},
        {"source": "/pricing", "type": "order.closed.v1", "data": {}},
        {"source": "/partners/nobody", **note},
        {"source": "/erp", **note},
    ]
    return orjson.dumps({**event, "id": new_id(chance), **chance.choice(wrong)})


def conflicting(event: Event) -> bytes:
    """The same event id, but it says something else."""
    return orjson.dumps({**event, "data": {**event["data"], "amended": True}})


_MAKERS: dict[Reason, Callable[[Event, random.Random], bytes]] = {
    Reason.UNPARSABLE: unparsable,
    Reason.INVALID: invalid,
    Reason.OVERSIZED: oversized,
    Reason.FORBIDDEN_SOURCE: forbidden,
}


def bad(reason: Reason, event: Event, chance: random.Random) -> Planned:
    """Return a message that `schemas.orders.parse` refuses for this reason."""
    return quarantined(event, _MAKERS[reason](event, chance), reason, FALLBACK_ID)


def conflict(event: Event) -> Planned:
    """Return a message that contradicts `event`; it must come after it."""
    return quarantined(event, conflicting(event), Reason.CONFLICT, event["id"])


def misrouted(event: Event, chance: random.Random, partitions: int) -> Planned:
    """Return a copy of `event`, or a note of its own, that goes to another partition than its order's. Needs two."""
    note = {"type": "order.note_added.v1", "source": "/crm", "data": {"text": "wrong number", "author": "demo"}}
    stray = event if chance.random() < 0.5 else {**event, "id": new_id(chance), **note}
    shift = chance.randrange(1, partitions)
    return quarantined(stray, orjson.dumps(stray), Reason.MISROUTED, stray["id"], stray=shift)


def quarantined(event: Event, body: bytes, reason: Reason, message_id: str, stray: int = 0) -> Planned:
    """Return the message; the service that sends the order's `event` sends this too."""
    sender: Sender = sender_of(event["source"])
    return Planned(event["subject"], sender, message_id, event["type"], body, Fate.QUARANTINED, reason, stray=stray)
