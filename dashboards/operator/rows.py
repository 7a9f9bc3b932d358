"""What the board knows of orders and of the pipeline, the same whichever store said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import orjson

from dashboards.operator.replica import Replica
from pipelines.engine.stores.instances import InstanceName
from schemas.lifecycle import STAGES, Stage
from schemas.views import CARD

Source = Literal["cache", "database"]


def target_of(stage: str) -> timedelta | None:
    """How long an order should stay in `stage`; None: for ever, or a stage this release does not know."""
    return STAGES[Stage(stage)].target if stage in STAGES else None


@dataclass(frozen=True, slots=True)
class Card:
    """An order as it stands. `price_amount` is a decimal string; `partition` its home; `opened_by` its first event's
    source."""

    order_id: str
    stage: str
    holder: str
    partner: str | None
    customer_id: str | None
    price_amount: str | None
    price_currency: str | None
    opened_at: datetime
    stage_since: datetime
    revision: int
    anomalies: int
    last_offset: int
    last_recorded_at: datetime
    partition: int
    opened_by: str

    @classmethod
    def from_json(cls, body: bytes) -> Card:
        """Read the pipeline's card. Raises ValueError or TypeError where it is none."""
        fields = dict(zip(CARD, orjson.loads(body), strict=True))
        moments = {name: datetime.fromisoformat(fields[name]) for name in _MOMENTS}
        return cls(**fields | moments)

    @classmethod
    def from_row(cls, row: Mapping[str, Any] | asyncpg.Record) -> Card:
        """Take a row of open_orders or closed_orders."""
        amount: Decimal | None = row["price_amount"]
        text = {"price_amount": None if amount is None else format(amount, "f")}
        return cls(**{name: row[name] for name in cls.__dataclass_fields__} | text)

    def held(self, now: datetime) -> timedelta:
        """How long the order has been in its stage; zero where the producer's clock is ahead of ours."""
        return max(timedelta(), now - self.stage_since)

    def overdue(self, now: datetime) -> timedelta | None:
        """How far past its stage's target the order is; None: it is not. An overdue order is stuck."""
        target = target_of(self.stage)
        return None if target is None or self.held(now) <= target else self.held(now) - target


_MOMENTS = ("opened_at", "stage_since", "last_recorded_at")


@dataclass(frozen=True, slots=True)
class Lane:
    """One stage: how many `orders` are in it, `at_least` or exactly, and its latest `cards`, the latest first."""

    stage: Stage
    orders: int
    cards: tuple[Card, ...]
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition's events have taken effect, and what became of them since the pipeline's first."""

    partition: int
    next_offset: int
    recorded_at: datetime | None
    committed_at: datetime | None
    applied: int
    duplicates: int
    quarantined: int
    parked: int

    @property
    def visible_after(self) -> int | None:
        """How many milliseconds after the log had recorded it the last event took effect; None before the first."""
        if self.recorded_at is None or self.committed_at is None:
            return None
        return max(0, round((self.committed_at - self.recorded_at).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the live pipeline instance stands in Postgres: what "how old is this" is answered from.

    `quarantined`, `parked_events` and `parked_orders` count what waits now, up to `COUNTED`. `replica` says how far the
    server that answered is behind its primary; None: it is the primary. `months_ahead`: for so many months after this
    one there are partitions already; with none, nothing can take effect when it ends.
    """

    instance: InstanceName
    positions: tuple[Position, ...]
    quarantined: int
    parked_events: int
    parked_orders: int
    read_at: datetime
    months_ahead: int = 1
    replica: Replica | None = None

    def reaches(self, partition: int, offset: int) -> bool:
        """Whether all of a partition's events before `offset` are in what was read."""
        return not offset or any(p.partition == partition and p.next_offset >= offset for p in self.positions)

    @property
    def committed_at(self) -> datetime | None:
        """When the last batch of any partition took effect; None before the first."""
        return max((p.committed_at for p in self.positions if p.committed_at), default=None)

    @property
    def recorded_at(self) -> datetime | None:
        """When the log recorded the last event that took effect; None before the first."""
        return max((p.recorded_at for p in self.positions if p.recorded_at), default=None)


COUNTED = 10_000
"""Waiting events are counted up to here; more is shown as "10 000+"."""


@dataclass(frozen=True, slots=True)
class Board:
    """An answer: the lanes asked for, and how old it is. `offsets` is where each partition's share stands.

    `counts` is how many orders there are of each stage and partner ("" for none), whatever lanes were asked for.
    `database_away`: Postgres did not answer, so `standing` is the last one known and the rest is the cache's alone.
    """

    source: Source
    lanes: tuple[Lane, ...]
    counts: Mapping[str, Mapping[str, int]]
    offsets: Mapping[int, int]
    standing: Standing
    database_away: bool = False

    def orders(self, stage: str) -> int:
        """How many orders are in `stage`."""
        return sum(self.counts.get(stage, {}).values())


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in an order's story; `stage` and `holder` are those after it.

    `held_seconds` is how long the order was in the stage that this event ended; None where it ended none. `gist` is
    what the event says, in a line; None where that is nothing more than its type.
    """

    source: str
    event_id: str
    event_type: str
    event_time: datetime
    recorded_at: datetime
    partition: int
    stream_offset: int
    trace_id: str | None
    stage: str
    holder: str
    held_seconds: float | None
    anomalies: tuple[str, ...]
    revision: int
    gist: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits because its order cannot go on."""

    partition: int
    stream_offset: int
    reason: str
    recorded_at: datetime
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All there is on one order, at one moment. `card` is None where all its events so far are parked.

    `behind`: the board knows of later events of its partition than the database could tell when this was read.
    `missing` of its events are in the archive, which does not give them; `why` says what keeps it from that.
    """

    order_id: str
    card: Card | None
    closed_at: datetime | None
    timeline: tuple[Entry, ...]
    parked: tuple[Parked, ...]
    standing: Standing
    behind: bool = False
    missing: int = 0
    why: str = ""
