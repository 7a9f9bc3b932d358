"""How much a member may be sent: bounded in bytes, whatever the size of chunks and events.

Credit counts chunks, and a chunk may be one event or megabytes of them. So credit follows the size of those that
come: many small chunks, few large ones. Large ones that come on the credit of small ones are let go, and read again
when it is their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rstream import schema

ROOM_BYTES = 3 * 1024 * 1024
"""So many bytes of a partition's chunks are asked for at once, or one chunk that is larger."""

FIRST_CREDIT = 1
"""What a subscription begins with, before the size of any chunk is known.

RabbitMQ sends nothing while the credit is no more than half of the first one, so only a first one of 1 lets us ask
for single chunks later.
"""

MOST_CREDIT = 256
"""So many chunks are asked for at once at most, however small they are."""


class Waiting(asyncio.Queue[schema.Deliver | None]):
    """Deliver frames in order. One for which there is no room keeps its place, and its `data` is empty."""

    _bytes = 0

    def _put(self, item: schema.Deliver | None) -> None:
        if item is not None:
            size = len(item.data)
            if self._bytes and self._bytes + size > 2 * ROOM_BYTES:
                item.data = b""
            else:
                self._bytes += size
        super()._put(item)

    def _get(self) -> schema.Deliver | None:
        item = super()._get()
        if item is not None:
            self._bytes -= len(item.data)
        return item


class Credit:
    """How many chunks may come: `first` with the subscription, then `grant` lets the broker send so many more."""

    def __init__(self, grant: Callable[[int], None]) -> None:
        self.first = FIRST_CREDIT
        self._grant = grant
        self._size = 0.0
        self._out = self.first
        self._in_hand = 0

    def taken(self, size: int) -> None:
        """Note a chunk that has arrived, of so many bytes. A large one counts at once, small ones bit by bit."""
        self._in_hand += 1
        self._size = max(size, 0.75 * self._size + 0.25 * size)

    def worked_off(self, keeping: int = 0, dropped: int = 0) -> None:
        """Give back what was taken, but for the last `keeping`, and what was `dropped` without being taken."""
        done = self._in_hand - keeping + dropped
        self._in_hand = keeping
        self._out -= done
        wanted = min(max(1, ROOM_BYTES // max(1, int(self._size))), MOST_CREDIT)
        # At most two for one: what comes next may be larger.
        more = min(wanted - self._out, 2 * done)
        if more > 0:
            self._out += more
            self._grant(more)
