"""What waits in the streams behind where the pipeline stands, and whether it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.operator.rows import Position
from pipelines.engine.transport import Waiting

LATE = timedelta(seconds=30)
"""Events that wait for longer are news; a partition that does not move for so long while events wait is stalled."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """A partition as it stood, and what waited behind that."""

    position: Position
    waiting: Waiting

    def stalled(self, now: datetime) -> bool:
        """Whether events wait, and for too long none has taken effect."""
        moved = self.position.committed_at
        return self.late(now) and (moved is None or now - moved > LATE)

    def late(self, now: datetime) -> bool:
        """Whether the first event that waits has done so for too long."""
        return self.waiting.oldest is not None and now - self.waiting.oldest > LATE


def every(positions: Sequence[Position], partitions: int) -> list[Position]:
    """Return a position for each of so many partitions; one that nobody has read of yet stands at its beginning."""
    known = {position.partition: position for position in positions}
    return [known.get(number) or Position(number, 0, None, None, 0, 0, 0, 0) for number in range(partitions)]


@dataclass(frozen=True, slots=True)
class Lag:
    """All partitions, in order, at the moment `read_at`."""

    partitions: tuple[PartitionLag, ...]
    read_at: datetime

    @property
    def events(self) -> int:
        """How many events wait."""
        return sum(one.waiting.events for one in self.partitions)

    @property
    def oldest(self) -> datetime | None:
        """When the log recorded the first event that waits; None where none does."""
        return min((one.waiting.oldest for one in self.partitions if one.waiting.oldest), default=None)

    def stalled(self, now: datetime) -> list[PartitionLag]:
        """The partitions that do not move though events wait."""
        return [one for one in self.partitions if one.stalled(now)]
