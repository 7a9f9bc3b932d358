"""A member that stands by watches whether anyone works: the broker may have made nobody active."""

from __future__ import annotations

import logging

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.batch import Positions
from pipelines.engine.transport.reader import end_offset_at
from schemas.errors import GroupStuck, StreamError

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""How often a member that stands by looks."""

STAY_AWAY_SECONDS = 50.0
"""How long a member stays away from a stuck group, a fifth more or less.

RabbitMQ up to 4.1 may wait for ever for the answer of an active member that is gone (rabbitmq-server#14070). Members
that come and go do not wake it, but it forgets a group without members. All notice within one `LOOK_SECONDS` of each
other, so they are away together.
"""


class Standby:
    """What one standing member saw at its last look."""

    def __init__(self, positions: Positions, address: Address, stream: str, partition: int) -> None:
        self._positions = positions
        self._address = address
        self._stream = stream
        self._partition = partition
        self._last: int | None = None

    def forget(self) -> None:
        """Begin anew: the member was active meanwhile."""
        self._last = None

    async def look(self) -> None:
        """Compare with the last look.

        Raises:
            GroupStuck: nobody has moved the position since, though the stream has events behind it.
        """
        position = await self._positions.position(self._partition)
        last, self._last = self._last, position
        if position is None or position != last:
            return
        try:
            end = await end_offset_at(self._address, self._stream)
        except StreamError as error:
            log.info("%s: no look at its end: %s", self._stream, error)
            return
        if end > position:
            raise GroupStuck(self._stream, position, end, STAY_AWAY_SECONDS)
