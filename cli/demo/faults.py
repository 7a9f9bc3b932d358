"""The faults of the real world, mixed into an order's life such that the fate of every message is known.

An order's messages are published one after another, so what the stream holds of it is what stands here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from cli.demo.bad import bad, conflict, misrouted
from cli.demo.planned import Fate, Planned, sender_of
from cli.demo.world import Happening, Life, new_id, written
from schemas.errors import Reason

# Of orders.
LATE_SHARE = 0.05
FORGOTTEN_SHARE = 0.01
OUT_OF_STEP_SHARE = 0.02
# Of events.
DUPLICATE_SOON_SHARE = 0.03
DUPLICATE_LATE_SHARE = 0.012
RETRY_SHARE = 0.02
CONFLICT_SHARE = 0.004
MISROUTED_SHARE = 0.004
BAD_SHARES = {Reason.UNPARSABLE: 0.004, Reason.INVALID: 0.004, Reason.FORBIDDEN_SOURCE: 0.003}

OVERSIZED_EVERY = 250
UNKNOWN_VERSION_EVERY = 500
"""Too few to be taken for a bad deploy, which parks more than 1% of a minute's orders."""

MUCH_LATER = timedelta(minutes=2)

_FORGETTABLE = "order.manufacturing_approved.v1"


def mix(life: Life, chance: random.Random, partitions: int) -> list[Planned]:
    """Return the order's messages in the order in which they are to be published."""
    happenings = _out_of_step(life.happenings, chance)
    if life.number % UNKNOWN_VERSION_EVERY == 57:
        happenings = _from_the_future(happenings, chance)
    planned = _good(happenings)
    extras = [
        extra for place in range(len(planned)) for extra in _extras(place, planned, happenings, chance, partitions)
    ]
    if life.number % OVERSIZED_EVERY == 40:
        extras.append((0, bad(Reason.OVERSIZED, happenings[0].event, chance)))
    return _merged(planned, extras)


def _out_of_step(happenings: list[Happening], chance: random.Random) -> list[Happening]:
    """Some services speak late, twice, or not at all: the views must keep what came and mark what does not fit."""
    mixed = list(happenings)
    if chance.random() < LATE_SHARE and len(mixed) > 1:
        place = chance.randrange(len(mixed) - 1)
        late = mixed.pop(place)
        mixed.insert(min(len(mixed), place + chance.randint(1, 3)), late)
    if chance.random() < OUT_OF_STEP_SHARE:
        # Its own id: no retry, but a service that believes it has to say this again.
        again = chance.choice(mixed)
        mixed.append(Happening({**again.event, "id": new_id(chance)}, mixed[-1].due))
    if chance.random() < FORGOTTEN_SHARE and len(mixed) > 1:
        mixed = [one for one in mixed if one.event["type"] != _FORGETTABLE] or mixed
    return mixed


def _from_the_future(happenings: list[Happening], chance: random.Random) -> list[Happening]:
    """A service is deployed ahead of us: an event in a version we cannot read, which parks its order."""
    place = chance.randint(1, len(happenings))
    before = happenings[place - 1]
    newer = {
        **before.event,
        "id": new_id(chance),
        "source": "/crm",
        "type": "order.revised.v2",
        "data": {"changes": [{"op": "replace", "path": "/items/0/quantity", "value": 3}]},
    }
    return [*happenings[:place], Happening(newer, before.due), *happenings[place:]]


def _good(happenings: list[Happening]) -> list[Planned]:
    planned = []
    fate = Fate.APPLIED
    for happening in happenings:
        event = happening.event
        if event["type"].endswith(".v2"):
            fate = Fate.PARKED
        sender = sender_of(event["source"])
        body = orjson.dumps(event)
        planned.append(Planned(event["subject"], sender, event["id"], event["type"], body, fate, due=happening.due))
    return planned


def _extras(
    place: int, planned: list[Planned], happenings: list[Happening], chance: random.Random, partitions: int
) -> Iterable[tuple[int, Planned]]:
    """What else is published because of the event at `place`, and behind which place."""
    original, event = planned[place], happenings[place].event
    again = replace(original, fate=Fate.DUPLICATE)
    last = len(planned) - 1
    soon = min(last, place + chance.randint(0, 2))
    if chance.random() < DUPLICATE_SOON_SHARE:
        yield soon, again
    if chance.random() < DUPLICATE_LATE_SHARE:
        end = planned[last].due
        yield last, replace(again, due=end and end + MUCH_LATER * chance.uniform(0.2, 1))
    if chance.random() < RETRY_SHARE:
        yield soon, replace(again, body=orjson.dumps(_retried(event, chance)))
    if chance.random() < CONFLICT_SHARE:
        yield soon, conflict(event)
    for reason, share in BAD_SHARES.items():
        if chance.random() < share:
            yield place, bad(reason, event, chance)
    if partitions > 1 and chance.random() < MISROUTED_SHARE:
        yield place, misrouted(event, chance, partitions)


def _retried(event: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same event as an honest retry sends it: another time, another span; it says the same."""
    time = datetime.fromisoformat(event["time"]) + timedelta(milliseconds=chance.randint(1, 900))
    trace = event["traceparent"][:36] + f"{chance.getrandbits(64) | 1:016x}-01"
    return {**event, "time": written(time), "traceparent": trace}


def _merged(planned: list[Planned], extras: list[tuple[int, Planned]]) -> list[Planned]:
    behind: dict[int, list[Planned]] = {}
    for place, extra in extras:
        behind.setdefault(place, []).append(extra)
    return [message for place, original in enumerate(planned) for message in (original, *behind.get(place, []))]
