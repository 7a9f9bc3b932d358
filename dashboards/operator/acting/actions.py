"""Lets operators' events go into the stream, confirmed (I8). The board writes nothing else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from dashboards.operator.acting.events import Event
from dashboards.operator.signin.people import Person
from dashboards.operator.signin.record import note
from pipelines.edges.publisher import OrderPublisher
from pipelines.engine.settings import Settings


class Actions:
    """One publisher for the process, connected when somebody first acts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._publisher: OrderPublisher | None = None

    async def take(self, person: Person, event: Event) -> None:
        """Publish what somebody does, and return when the broker has confirmed it.

        Raises:
            EventRejected: it is none that could take effect.
            StreamError: it is not confirmed; nothing may come of it, or all.
        """
        publisher = await self._open()
        await publisher.publish(event)
        note("action", who=person.name, event_type=event["type"], order=event["subject"], event_id=event["id"])

    async def close(self) -> None:
        """Let the connections go."""
        await self._stack.aclose()

    async def _open(self) -> OrderPublisher:
        async with self._opening:
            if self._publisher is None:
                self._publisher = await self._stack.enter_async_context(OrderPublisher(self._settings))
            return self._publisher
