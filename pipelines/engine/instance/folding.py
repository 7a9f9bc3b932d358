"""Fold one order's events; when that cannot go on, park the order and what is behind it, in stream order (I4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

import asyncpg

from pipelines.engine.instance.projection import Arrived, OrderChange, Projection
from pipelines.engine.stores.set_aside import BEHIND
from schemas.envelope import Envelope, Identified
from schemas.errors import EventRejected, UnknownVersion, told

S = TypeVar("S")
E = TypeVar("E")

# Stands for a parked event that cannot be read; nothing but its identity is ever used.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = Envelope(specversion="1.0", id="-", source="-", type="-", subject="-", time=_LONG_AGO)

_SOME = Arrived(_NOTHING, b"", 0, -1, _LONG_AGO, b"")
"""Stands for all that waits of an order which nothing releases; that it waits is all that is used."""


@dataclass(slots=True)
class Parking:
    """The parked events of a batch's orders: those that wait, and what this batch adds and frees.

    `stopped` are the orders that have some at the end, `newly_stopped` those of them that had none before.
    `renewed` maps (order_no, offset) of an event that waits from before, and is now the first of its order, to why.
    """

    waiting: dict[int, list[Arrived]] = field(default_factory=dict)
    parked: list[tuple[int, Arrived, str]] = field(default_factory=list)
    released: list[tuple[int, Arrived]] = field(default_factory=list)
    renewed: dict[tuple[int, int], str] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    newly_stopped: set[int] = field(default_factory=set)
    last_reason: str = ""

    @classmethod
    def of(
        cls, rows: Sequence[asyncpg.Record], parse: Callable[[bytes], Identified], unreleased: Iterable[int] = ()
    ) -> Parking:
        """Read the parked rows of these orders, with the parser of today's release; `unreleased` just wait on."""
        parking = cls({order_no: [_SOME] for order_no in unreleased})
        for row in rows:
            body, unreadable = bytes(row["body"]), None
            try:
                identified = parse(body)
            except UnknownVersion as unknown:
                identified, unreadable = unknown.identified, str(unknown)
            except EventRejected as rejection:
                # An earlier release accepted it, so it counts in the ledger: it waits for a release that can read it.
                identified, unreadable = Identified(_NOTHING, row["identity"], 0), str(rejection)
            arrived = Arrived(*identified, row["stream_offset"], row["recorded_at"], body, unreadable)
            parking.waiting.setdefault(row["order_no"], []).append(arrived)
        return parking


class OrderQueue(Generic[S, E]):
    """One order's events of one batch."""

    def __init__(self, projection: Projection[S, E], order_no: int, state: S | None, parking: Parking) -> None:
        self._projection = projection
        self._order_no = order_no
        self._before = state
        self._state = state
        self._parking = parking
        self._entries: list[tuple[Arrived, E]] = []

    def run(self, events: Sequence[Arrived]) -> OrderChange[S, E] | None:
        """Take the events in stream order; return what took effect, None where nothing did."""
        waiting = self._parking.waiting.pop(self._order_no, [])
        stored = {id(arrived) for arrived in waiting}
        reasons: dict[int, str] = {}
        for arrived in events:
            if not waiting:
                reason = self._try(arrived)
                if reason is not None:
                    self._parking.newly_stopped.add(self._order_no)
                    self._parking.last_reason = reason
                    waiting.append(arrived)
                    reasons[id(arrived)] = reason
                continue
            waiting.append(arrived)
            reasons[id(arrived)] = BEHIND
            if self._projection.releases(arrived.event):
                self._release(waiting, stored, reasons)
        if waiting:
            self._parking.stopped.add(self._order_no)
        for arrived in waiting:
            if id(arrived) not in stored:
                self._parking.parked.append((self._order_no, arrived, reasons[id(arrived)]))
        if not self._entries:
            return None
        assert self._state is not None
        return OrderChange(self._order_no, self._before, self._state, self._entries)

    def _release(self, waiting: list[Arrived], stored: set[int], reasons: dict[int, str]) -> None:
        """Try the waiting events again, in order, as far as it goes."""
        while waiting:
            first = waiting[0]
            reason = self._try(first)
            if reason is not None:
                reasons[id(first)] = reason
                if id(first) in stored:
                    self._parking.renewed[self._order_no, first.offset] = reason
                return
            waiting.pop(0)
            if id(first) in stored:
                self._parking.released.append((self._order_no, first))
                self._parking.renewed.pop((self._order_no, first.offset), None)  # what is deleted is not changed, too

    def _try(self, arrived: Arrived) -> str | None:
        """Fold one event; return why that could not be done, None where it was."""
        if arrived.unreadable is not None:
            return arrived.unreadable
        try:
            state, entry = self._projection.fold(self._state, arrived.event, arrived.offset, arrived.recorded_at)
        except Exception as error:  # our own pure code: whatever it raises stops this order and no other
            return told(error)
        self._state = state
        self._entries.append((arrived, entry))
        return None
