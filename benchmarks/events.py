"""Events of about 500 bytes and realistic variety, the same for every benchmark."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson

from pipelines.engine.transport import Message

STEPS = (
    ("initiated", "/shop"), ("file_uploaded", "/shop"), ("submitted", "/shop"), ("price_calculated", "/pricing"),
    ("manufacturing_approved", "/crm"), ("manufacturing_started", "/mes"), ("manufacturing_completed", "/mes"),
    ("packaging", "/mes"), ("shipped", "/mes"), ("closed", "/crm"),
)  # fmt: skip

_INTERLEAVED = 1000
"""So many orders take each step together."""

_START = datetime(2026, 1, 1, tzinfo=UTC)


def lives(events: int, *, seed: int = 1, duplicates: float = 0.05, first_order: int = 0) -> list[Message]:
    """Return about so many `events` of orders on their way, interleaved, with a share of exact duplicates.

    Orders are numbered from `first_order` on; the same order from another seed is other content: a conflict.
    """
    chance = random.Random(seed)
    orders = max(1, events // len(STEPS))
    messages: list[Message] = []
    for start in range(first_order, first_order + orders, _INTERLEAVED):
        block = range(start, min(start + _INTERLEAVED, first_order + orders))
        for step in range(len(STEPS)):
            for number in block:
                messages.append(event(chance, number, step))
                if chance.random() < duplicates:
                    messages.append(messages[chance.randrange(max(0, len(messages) - 5000), len(messages))])
    return messages


def endless(first_order: int) -> Iterator[Message]:
    """Give events of ever new orders on their way, interleaved, each made when it is asked for."""
    chance = random.Random(first_order)
    for start in count(first_order, _INTERLEAVED):
        for step in range(len(STEPS)):
            for number in range(start, start + _INTERLEAVED):
                yield event(chance, number, step)


def order_id(number: int) -> str:
    """Return the id of the order with this number."""
    return f"{number:07d}-{number * 7919 % 104729:06x}"


def event(chance: random.Random, number: int, step: int) -> Message:
    """Return the event that leads an order to a step of its life."""
    name, source = STEPS[step]
    order = order_id(number)
    fields: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{name}-{order}",
        "source": source,
        "type": f"order.{name}.v1",
        "subject": order,
        "time": (_START + timedelta(seconds=number, hours=step)).isoformat(),
        "datacontenttype": "application/json",
        "traceparent": f"00-{chance.getrandbits(127) + 1:032x}-{chance.getrandbits(63) + 1:016x}-01",
        "data": {**_data(chance, name), "note": "x" * chance.randrange(60, 180)},
    }
    return Message(order, orjson.dumps(fields), str(fields["id"]), str(fields["type"]))


def _data(chance: random.Random, name: str) -> dict[str, Any]:
    if name in ("initiated", "submitted"):
        items = [
            {"item_id": f"part-{chance.randrange(10**6)}", "quantity": chance.randint(1, 50), "material": "PA12"}
            for _ in range(chance.randint(1, 3))
        ]
        return {"customer_id": f"c-{chance.randrange(10**5)}", "partner": f"p{chance.randrange(40)}", "items": items}
    if name == "file_uploaded":
        return {"file_name": f"bracket-{chance.randrange(10**6)}.stl", "size_bytes": chance.randrange(10**7)}
    if name == "price_calculated":
        return {"price": {"amount": f"{chance.randrange(100, 10**6) / 100:.2f}", "currency": "EUR"}}
    return {"operator": f"op-{chance.randrange(50)}", "workshop": f"w{chance.randrange(9)}"}
