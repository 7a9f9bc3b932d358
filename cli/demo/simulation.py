"""Which orders are played, and when: so many and no more, or a board full of them and then on and on."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from cli.demo.faults import mix
from cli.demo.pace import Pace
from cli.demo.planned import Planned
from cli.demo.services import Services
from cli.demo.world import Kind, World

UNDER_WAY = 1000
"""So many orders are under way at once, when a number of them is played as fast as possible."""

MOST_UNDER_WAY = 10_000
"""Bounds the memory of a demo that goes on and on, whatever its rate."""

USUAL_RATE = 50.0
"""Messages a second, when nobody says otherwise: enough to see the board live, little enough to read it."""

BURSTS = 1.5
"""How far above its average the rate may go for a moment."""

_LOOK_SECONDS = 0.05


class Simulation:
    """Gives the services their orders. `partitions` is how many the stream has."""

    def __init__(self, world: World, services: Services, pace: Pace, partitions: int) -> None:
        self._world = world
        self._services = services
        self._pace = pace
        self._partitions = partitions
        self._next = 0

    async def play(self, orders: int) -> None:
        """Play `orders` orders, each as it stands today, and return when all is confirmed."""
        now = datetime.now(UTC)
        for _ in range(orders):
            await self._services.until_under_way(UNDER_WAY)
            self._services.add(self._messages(now, Kind.PAST))
        await self._services.until_under_way(0)

    async def go_on(self, orders: int, rate: float) -> None:
        """Fill the board with `orders` orders at once, then go on until cancelled, at `rate` messages a second.

        The rate holds on average over minutes: each new order is paid for, whole, when it arrives.
        """
        self._pace.change(None)
        live_pace = min(1.0, USUAL_RATE / rate)
        for _ in range(orders):
            self._services.add(self._messages(datetime.now(UTC), Kind.LIVE, live_pace=live_pace))
        await self._services.until_idle()
        self._pace.change(BURSTS * rate)
        paid = time.monotonic()
        while True:
            while paid < time.monotonic() and self._services.orders_under_way < MOST_UNDER_WAY:
                messages = self._messages(datetime.now(UTC), Kind.ARRIVING, live_pace=live_pace)
                self._services.add(messages)
                paid += len(messages) / rate
            await asyncio.sleep(_LOOK_SECONDS)

    def _messages(self, now: datetime, kind: Kind, *, live_pace: float = 1.0) -> list[Planned]:
        number = self._next
        self._next += 1
        life = self._world.life(number, now, kind, live_pace=live_pace)
        return mix(life, self._world.chance(number, "faults"), self._partitions)
