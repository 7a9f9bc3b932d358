"""Who keeps a group's positions, for those who do not keep them in the transaction of their effects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from pipelines.engine.transport import Position, Positions


@runtime_checkable
class StoringPositions(Positions, Protocol):
    """Positions which the subscriber moves, after the handler returned: at least once.

    Plain `Positions` are moved by the handler itself, in the transaction of its effects: exactly once.
    """

    async def store(self, partition: int, next_offset: int) -> None:
        """Remember where the partition goes on. Must never move backwards."""
        ...


@dataclass
class MemoryPositions:
    """Positions in this process's memory, for tests and for groups that may begin anew. All partitions start at 0."""

    offsets: dict[int, int] = field(default_factory=dict)

    async def claim(self, partition: int) -> Position:
        """Return where the partition goes on."""
        return Position(self.offsets.get(partition, 0))

    async def position(self, partition: int) -> int | None:  # noqa: ARG002 - the protocol's signature
        """Return None: an owner may be in another process, whose memory this is not."""
        return None

    def abandon(self, partition: int) -> None:
        """Nothing is ever under way."""

    async def release(self, partition: int) -> None:
        """Nothing is held."""

    async def store(self, partition: int, next_offset: int) -> None:
        """Remember where the partition goes on; never moves backwards."""
        self.offsets[partition] = max(next_offset, self.offsets.get(partition, 0))
