"""One call of `publish_many`: which of its events are not confirmed yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pipelines.edges.publisher.errors import EventsUnconfirmed
from pipelines.engine.transport import Message


class Call:
    """Waits for the confirms of `messages`. `why` is what went wrong last."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.why = ""
        self._unconfirmed = set(range(len(messages)))
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not messages:
            self._done.set_result(None)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more: all is confirmed, or it was given up."""
        return self._done.done()

    def confirmed(self, place: int) -> None:
        """The broker has the message at this place."""
        self._unconfirmed.discard(place)
        if not self._unconfirmed:
            self._end()

    def give_up(self, why: str) -> None:
        """What is unconfirmed now stays so. Idempotent."""
        if not self.is_over:
            self.why = why
        self._end()

    async def wait(self) -> None:
        """Return when all is confirmed, or given up."""
        await self._done

    def check(self) -> None:
        """Raise EventsUnconfirmed where something is unconfirmed."""
        left = sorted(self._unconfirmed)
        if left:
            raise EventsUnconfirmed(left, [self.messages[place] for place in left], self.why or "no confirm in time")

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
