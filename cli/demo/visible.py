"""How long after its confirm an event can be read on the board, measured by asking the board."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from urllib.parse import quote

import httpx

from cli.demo.guest import Guest, let_in
from cli.demo.planned import Planned

EVERY = (50, 100)
"""One of so many events is watched, drawn anew each time."""

AT_ONCE = 6
"""So many are watched at the same time: asking must not be what slows the board. While all are busy none is drawn."""

KEPT = 10_000

_FIRST_PAUSE = 0.005
_PAUSE_SHARE = 0.05
"""The next look is made after 5 ms or 5% of the time waited so far: by so much a figure may be too high."""


class Visibility:
    """Watches some of the confirmed events until they stand in their order's timeline at `/api/orders/{id}`."""

    def __init__(self, board_url: str, seed: int, guest: Guest | None = None) -> None:
        self._guest = guest
        self._client = httpx.AsyncClient(base_url=board_url, timeout=10, trust_env=False)
        self._chance = random.Random(f"{seed}/visible")
        self._countdown = 1
        self._watching: dict[asyncio.Task[None], Planned] = {}
        self.milliseconds: deque[float] = deque(maxlen=KEPT)

    async def __aenter__(self) -> Visibility:
        """Sign in, where somebody has to. Else connections are made when the first event is watched."""
        if self._guest is not None:
            await let_in(self._client, self._guest)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self._client.aclose()

    def offer(self, message: Planned) -> None:
        """Say that an event has just been confirmed; it may be watched."""
        self._countdown -= 1
        if self._countdown > 0 or len(self._watching) >= AT_ONCE:
            return
        self._countdown = self._chance.randint(*EVERY)
        task = asyncio.create_task(self._watch(message, time.monotonic()))
        self._watching[task] = message
        task.add_done_callback(lambda done: self._watching.pop(done, None))

    async def settle(self, seconds: float) -> list[Planned]:
        """Wait until all that are watched have become visible; return those that have not after `seconds`."""
        if self._watching:
            await asyncio.wait(list(self._watching), timeout=seconds)
        return list(self._watching.values())

    async def _watch(self, message: Planned, confirmed: float) -> None:
        path = f"/api/orders/{quote(message.order_id, safe='')}"
        while True:
            stands = await self._stands_in(path, message.event_id)
            waited = time.monotonic() - confirmed
            if stands:
                self.milliseconds.append(1000 * waited)
                return
            await asyncio.sleep(max(_FIRST_PAUSE, _PAUSE_SHARE * waited))

    async def _stands_in(self, path: str, event_id: str) -> bool:
        try:
            answer = await self._client.get(path)
        except httpx.HTTPError:
            return False  # a board that is away shows nothing: the wait goes on, and counts
        return answer.is_success and any(entry["event_id"] == event_id for entry in answer.json()["timeline"])


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile: the smallest value that at least `share` of them do not exceed."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
