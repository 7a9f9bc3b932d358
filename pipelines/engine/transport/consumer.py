"""One member of a consumer group on one partition: the owner's half of exactly once.

The broker decides which member of the group is active (single active consumer). The position is ours alone: on
activation it is asked of `Positions`, which takes the partition over from a former owner, and it is never stored in
the broker. Credit goes back after a batch is done, so a slow database slows the reader and memory stays flat. Each
chunk must begin where the last one ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rstream import schema
from rstream.constants import OffsetType

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Batch, Positions
from pipelines.engine.transport.credit import Credit, Waiting
from pipelines.engine.transport.filtering import EventFilter
from pipelines.engine.transport.gathering import Gathering
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.membership import SUBSCRIPTION, Membership, Role
from pipelines.engine.transport.turns import Turns

HEARTBEAT_SECONDS = 2
"""A member silent for two to three of these, be it frozen or its event loop hung, loses its partition to another."""


class GroupConsumer:
    """Membership in a group on one partition, over one connection; made anew after each loss.

    A member sees only itself: a standby looks the same whether another member works or the broker has made nobody
    active. The position tells, where `Positions` knows it; see `standby`.

    With `only`, batches hold what is left and have gaps, and their end is that of the last record left: a position
    kept from it may lie before events that were looked at. Not for handlers that must see every event once.
    """

    def __init__(
        self,
        address: Address,
        stream: str,
        *,
        partition: int,
        super_stream: str,
        group: str,
        positions: Positions,
        batch_records: int,
        turns: Turns,
        only: EventFilter | None = None,
    ) -> None:
        self._address = address
        self._stream = stream
        self._partition = partition
        self._super_stream = super_stream
        self._group = group
        self._positions = positions
        self._batch_records = batch_records
        self._turns = turns
        self._only = only
        self._role: Role | None = None

    @property
    def joined(self) -> bool:
        """Whether the group has this member, standing by or active; not while it takes the partition over."""
        return self._role in (Role.STANDBY, Role.ACTIVE)

    @property
    def active(self) -> bool:
        """Whether this member is the partition's owner."""
        return self._role is Role.ACTIVE

    async def run(self, handle: Callable[[Batch], Awaitable[None]]) -> None:
        """Join the group and give each batch to `handle`, one at a time and in order, until cancelled.

        A batch whose handling raises is not credited and nothing after it is handled. Cancelling waits for nothing:
        the transaction decides whether the batch in hand took effect.

        Raises:
            StreamUnavailable: the connection was lost, or the broker no longer sends what it has; join again after
                a pause.
            GroupStuck: nobody works; stay away for a while before joining again.
            StreamMissing, EventsLost, StreamReplaced: joining again will not help.
            Exception: whatever `handle` or `Positions.claim` raised.
        """
        name = f"warren {self._group} {self._stream}"
        connection = await connect_to(self._address, self._stream, name, leader=False, heartbeat=HEARTBEAT_SECONDS)
        try:
            queue = Waiting()
            connection.deliver(SUBSCRIPTION, queue)
            credit = Credit(lambda chunks: connection.credit(SUBSCRIPTION, chunks))
            gathering = Gathering(
                connection,
                queue,
                credit,
                address=self._address,
                stream=self._stream,
                partition=self._partition,
                batch_records=self._batch_records,
                only=self._only,
            )
            membership = Membership(
                connection,
                gathering,
                handle,
                self._positions,
                address=self._address,
                stream=self._stream,
                partition=self._partition,
                complete=self._only is None,
                turns=self._turns,
                on_role=self._set_role,
            )
            connection.on(schema.ConsumerUpdateResponse, membership.on_update)
            properties = {
                "single-active-consumer": "true",
                "name": self._group,
                "super-stream": self._super_stream,
                **(self._only.properties() if self._only is not None else {}),
            }
            spec = schema.OffsetSpec(OffsetType.NEXT)  # never used: the answer to the broker's update decides
            await connection.request(
                lambda client: client.subscribe(self._stream, SUBSCRIPTION, spec, credit.first, properties),
                stream=self._stream,
            )
            self._role = Role.STANDBY
            await membership.serve()
        finally:
            self._role = None
            try:
                await self._positions.release(self._partition)
            finally:
                await connection.close()

    def _set_role(self, role: Role) -> None:
        self._role = role
