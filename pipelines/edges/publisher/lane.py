"""One partition's way to the broker: what waits is sent together, in its order, and again until it is confirmed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.edges.publisher.call import Call
from pipelines.engine.transport import SuperStreamPublisher
from schemas.errors import Unconfirmed

_TOGETHER = 10_000
"""About so many events are sent at once."""

_ATTEMPT_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


@dataclass(slots=True)
class Part:
    """Those events of a call, by their places, that go to one partition. `events` and `size` are the room it takes."""

    call: Call
    places: list[int]
    events: int
    size: int


class Lane:
    """Publishes parts in the order in which they come. `done` is called with each that is confirmed or given up.

    What comes while a batch is under way waits, and goes with the next: so many small calls cost as little as a large
    one, and nothing overtakes what is unconfirmed.
    """

    def __init__(self, stream: SuperStreamPublisher, partition: int, done: Callable[[Part], None]) -> None:
        self._stream = stream
        self._partition = partition
        self._done = done
        self._waiting: deque[Part] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, part: Part) -> None:
        """Publish the part behind all others."""
        self._waiting.append(part)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"publisher of partition {self._partition}")

    async def close(self) -> None:
        """Give up what is not confirmed yet. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._waiting:
            part = self._waiting.popleft()
            part.call.give_up("the publisher was closed")
            self._done(part)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while parts := self._next():
            if await self._confirmed(parts):
                pause = _FIRST_PAUSE
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _next(self) -> list[Part]:
        """Return what is to be sent now; it stays in the line until it is confirmed."""
        parts: list[Part] = []
        events = 0
        while len(parts) < len(self._waiting) and events < _TOGETHER:
            part = self._waiting[len(parts)]
            if part.call.is_over:
                del self._waiting[len(parts)]
                self._done(part)
            else:
                parts.append(part)
                events += len(part.places)
        return parts

    async def _confirmed(self, parts: list[Part]) -> bool:
        """Send the parts once, and strike off what is confirmed. False: not all is."""
        sent = [(part, place) for part in parts for place in part.places]
        unconfirmed: set[int] = set()
        why = ""
        try:
            messages = [part.call.messages[place] for part, place in sent]
            await self._stream.publish_to(self._partition, messages, timeout=_ATTEMPT_SECONDS)
        except Unconfirmed as failure:
            unconfirmed, why = set(failure.indexes), failure.why
        for part in parts:
            part.places = []
        for index, (part, place) in enumerate(sent):
            if index in unconfirmed:
                part.places.append(place)
            else:
                part.call.confirmed(place)
        left = [part for part in parts if part.places]
        for part in left:
            part.call.why = why
        for _ in parts:
            self._waiting.popleft()
        self._waiting.extendleft(reversed(left))
        for part in parts:
            if not part.places:
                self._done(part)
        return not left
