"""A partition as a member of a consumer group reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pipelines.engine.broker.config import OnError
from pipelines.engine.broker.partition import Partition, Work
from pipelines.engine.broker.positions import StoringPositions
from pipelines.engine.transport import Batch, GroupConsumer, Positions


class GroupPartition(Partition):
    """A partition of a consumer group: one member is active, and `positions` says where it goes on."""

    def __init__(
        self,
        number: int,
        consumer: GroupConsumer,
        stream: str,
        *,
        positions: Positions,
        work: Work,
        on_error: OnError,
        stall_after: float,
    ) -> None:
        super().__init__(number, stream, work=work, on_error=on_error, stall_after=stall_after)
        self._consumer = consumer
        self._storing = positions if isinstance(positions, StoringPositions) else None

    @property
    def joined(self) -> bool:
        """Whether the group has this member."""
        return self._consumer.joined

    @property
    def standing_by(self) -> bool:
        """Whether the group has this member, but another one is active."""
        return self._consumer.joined and not self._consumer.active

    async def _join(self, handle: Callable[[Batch], Awaitable[None]]) -> None:
        await self._consumer.run(handle)

    async def _progressed(self) -> None:
        if self._storing is not None and self.position is not None:
            await self._storing.store(self.number, self.position)
