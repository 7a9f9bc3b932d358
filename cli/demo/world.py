"""The simulated world: seeded orders, each with a past that has happened and, live, a future that is still to come.

Pure: the same seed, number and moment give the same order, whatever else was drawn before.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

from cli.demo import catalogue
from cli.demo.story import Step, Story
from schemas.lifecycle import STAGE_OF_EVENT, STAGES, Stage

PARTNER_SHARE = 0.3
STUCK_SHARE = 0.06
WHOLE_SHARE = 0.6
"""Of orders that only have a past, so many have been through their whole life; the others are on their way."""

NEW_SHARE = 0.4
"""Of orders that arrive, so many begin now; the others are in the middle of their life already."""

RESTING_SHARE = 0.5
"""Of orders that stand on a live board from the start, so many stay where they are: a shop's days are not seconds."""

LIVE_GAP_SECONDS = 20.0
"""Between two events of an order whose life is watched live; on average, and drawn exponentially."""

_RELEASE = "2026.11.3"

_MES_ZONE = timezone(timedelta(hours=3))


class Kind(Enum):
    """What of an order is played.

    PAST: only what has happened until now. LIVE: as PAST, or the rest happens from now on. ARRIVING: the rest happens
    from now on, or all of it.
    """

    PAST = "past"
    LIVE = "live"
    ARRIVING = "arriving"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a life, as a CloudEvent. `due` is when we are to hear of it; None: we should have long ago."""

    event: dict[str, Any]
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """One order's events in the order in which they happen."""

    order_id: str
    number: int
    happenings: list[Happening]


class World:
    """Draws orders by number. Event ids are unique over all orders of a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def chance(self, number: int, purpose: str) -> random.Random:
        """Return a source of chance that belongs to one order and purpose alone."""
        return random.Random(f"{self._seed}/{number}/{purpose}")

    def life(self, number: int, now: datetime, kind: Kind, *, live_pace: float = 1.0) -> Life:
        """Return order `number` as it stands at `now` (UTC).

        `live_pace` multiplies the seconds between events that are still to come.
        """
        chance = self.chance(number, "life")
        partner = chance.choice(catalogue.PARTNERS) if chance.random() < PARTNER_SHARE else None
        order_id = f"{partner}:PO-{70_000 + number}" if partner else f"W-{100_000 + number}"
        steps = Story(chance, partner).steps()
        stuck = chance.random() < STUCK_SHARE and len(steps) > 2
        past = self._how_far(chance, len(steps), kind, stuck)
        times: list[datetime] = self._past_times(chance, steps, past, now, stuck)
        dues: list[datetime | None] = [None] * past
        resting = stuck or kind is Kind.PAST or (kind is Kind.LIVE and chance.random() < RESTING_SHARE)
        if not resting:
            moment = now
            for place in range(past, len(steps)):
                if place > 0:
                    moment += timedelta(seconds=chance.expovariate(1 / (LIVE_GAP_SECONDS * live_pace)))
                times.append(moment - _told_late(chance, steps[: place + 1], moment - times[-1] if times else None))
                dues.append(moment)
        trace = f"{chance.getrandbits(128) | 1:032x}"
        happenings = [
            Happening(_event(chance, order_id, trace, step, moment), due)
            for step, moment, due in zip(steps, times, dues, strict=False)
        ]
        return Life(order_id, number, happenings)

    @staticmethod
    def _how_far(chance: random.Random, steps: int, kind: Kind, stuck: bool) -> int:
        """How many events have happened by now."""
        if stuck:
            return chance.randint(1, steps - 1)
        if kind is Kind.ARRIVING and chance.random() < NEW_SHARE:
            return 0
        if kind is Kind.PAST and chance.random() < WHOLE_SHARE:
            return steps
        return chance.randint(1, steps)

    @staticmethod
    def _past_times(chance: random.Random, steps: list[Step], past: int, now: datetime, stuck: bool) -> list[datetime]:
        """The times of the first `past` steps: spread over the days before `now`, none after it."""
        if past == 0:
            return []
        if past == len(steps):
            age = timedelta(days=chance.uniform(0, 6))
        else:
            target = _target(steps[:past])
            age = target * chance.uniform(1.2, 5) if stuck else min(target, steps[past].gap) * chance.uniform(0.02, 0.8)
        moment = now - age
        times = [moment]
        for step in reversed(steps[1:past]):
            moment -= step.gap
            times.append(moment)
        return times[::-1]


def _told_late(chance: random.Random, steps: list[Step], since: timedelta | None) -> timedelta:
    """How long ago the last of these steps happened when we hear of it; `since` is the time since the step before.

    A demo's minute stands for a shop's day: so the board shows hours where it would otherwise show seconds, and
    still only those orders as stuck that are.
    """
    usual = 0.8 * _target(steps)
    return chance.uniform(0.1, 0.9) * (usual if since is None else min(usual, since))


def _target(steps: list[Step]) -> timedelta:
    """How long an order should stay where these steps leave it."""
    reached = [STAGE_OF_EVENT[step.type] for step in steps if step.type in STAGE_OF_EVENT]
    return STAGES[reached[-1] if reached else Stage.UNOPENED].target or timedelta(days=1)


def _event(chance: random.Random, order_id: str, trace: str, step: Step, moment: datetime) -> dict[str, Any]:
    # The factory's clock speaks local time; RFC 3339 allows it, and the views must not care.
    zone = _MES_ZONE if step.source == "/mes" else UTC
    return {
        "specversion": "1.0",
        "id": new_id(chance),
        "source": step.source,
        "type": step.type,
        "subject": order_id,
        "time": written(moment.astimezone(zone)),
        "datacontenttype": "application/json",
        "partitionkey": order_id,
        "producer": f"{step.source.split('/')[1]}/{_RELEASE} node {chance.randint(1, 3)}",
        "traceparent": f"00-{trace}-{chance.getrandbits(64) | 1:016x}-01",
        "data": step.data,
    }


def new_id(chance: random.Random) -> str:
    """Return a new event id."""
    return f"{chance.getrandbits(128):032x}"


def written(moment: datetime) -> str:
    """Return a moment as RFC 3339 with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
