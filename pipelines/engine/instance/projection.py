"""What a pipeline adds to the engine: how its events read, what they mean, and the tables they end in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import asyncpg

from pipelines.engine.stores.cache import CardChange, Spot
from pipelines.engine.stores.set_aside import QuarantineRow
from pipelines.engine.stores.writes import Write
from schemas.envelope import Envelope, Identified

S = TypeVar("S")
E = TypeVar("E")


class Arrived(NamedTuple):
    """An event that may take effect, with its identity and content digest, and where and when the log has it.

    `unreadable` says why this release cannot go on with it, though it is no bad event; else it is None.
    """

    event: Envelope
    identity: bytes
    content: int
    offset: int
    recorded_at: datetime
    body: bytes
    unreadable: str | None = None


@dataclass(slots=True)
class OrderChange(Generic[S, E]):
    """What a batch does to one order: its state before (None: not seen before) and after, and each event's entry."""

    order_no: int
    before: S | None
    after: S
    entries: list[tuple[Arrived, E]] = field(default_factory=list)


Wanted = Callable[[Spot | None, Spot], bool]
"""Says of where an order stood before (None: nowhere) and stands now whether anyone can see its card."""


class Projection(Protocol[S, E]):
    """A pipeline's own part. `parse`, `fold`, `releases`, `redacted`, `hides` and `writes` are pure, but for what
    `begin` has read.

    `row_types` names the composite types whose rows `writes` passes packed (`stores.packed_rows`).
    """

    row_types: Sequence[str]

    def parse(self, body: bytes) -> Identified:
        """Return the event. Raises EventRejected (quarantine) or UnknownVersion (park)."""
        ...

    def fold(self, state: S | None, event: Envelope, offset: int, recorded_at: datetime) -> tuple[S, E]:
        """Return the order's state after the event and the event's entry. Whatever it raises parks the order."""
        ...

    def releases(self, event: Envelope) -> bool:
        """Say whether the event asks for its order's parked events to be tried again."""
        ...

    def redacted(self, body: bytes) -> bytes:
        """Return what may be kept of a message that goes to quarantine."""
        ...

    def hides(self, messages: Sequence[QuarantineRow]) -> Iterable[Write]:
        """Return what empties those of the messages, which have just gone there, whose order lets nothing be kept."""
        ...

    async def begin(self, connection: asyncpg.Connection) -> None:
        """Read what folding depends on besides state and events; before anything else, whenever a partition is claimed.

        Whoever changes it afterwards takes the next epoch of every partition, so that nobody commits what was folded by
        what it was.
        """
        ...

    async def load(self, connection: asyncpg.Connection, order_nos: Sequence[int]) -> dict[int, S]:
        """Return the present state of those of the orders that have one, before the batch's transaction begins."""
        ...

    def writes(self, partition: int, changes: Sequence[OrderChange[S, E]]) -> Iterable[Write]:
        """Return what writes the changes to the pipeline's tables."""
        ...

    async def prepare(self, connection: asyncpg.Connection, recorded: Sequence[datetime]) -> None:
        """Make ready what these writes need for events recorded then, outside the batch's transaction."""
        ...

    def cards(
        self, changes: Sequence[OrderChange[S, E]], partition: int, wanted: Wanted
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        """Return what the hot cache shows of the changes: the cards it wants, and differences of counts."""
        ...

    async def snapshot(
        self, connection: asyncpg.Connection, partition: int
    ) -> tuple[list[CardChange], Mapping[str, int]]:
        """Return a partition's latest cards and all its counts, from the tables."""
        ...

    def announcement(self, changes: Sequence[OrderChange[S, E]]) -> dict[str, Any]:
        """Return what to tell live readers of the changes; small."""
        ...
