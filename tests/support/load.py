"""A seeded load of orders' lives with duplicates and bad events, published whatever happens to the broker meanwhile."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import orjson

from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.errors import StreamError, Unconfirmed
from tests.support.events import LIFE, event, message
from tests.support.runs import Run


class Load:
    """Publishes in rounds; `distinct` is how many different messages it has put into the stream so far.

    Its orders are named by `prefix` and a number. An `endless` one goes on with the lives of further orders until
    `finish` is called.
    """

    def __init__(
        self, run: Run, seed: int, *, orders: int = 150, pause: float = 0.01, endless: bool = False, prefix: str = "L"
    ) -> None:
        self._run = run
        self._prefix = prefix
        self._random = random.Random(seed)
        self._pause = pause
        self._orders = orders
        self._planned = 0
        self._rounds: list[list[Message]] = []
        self._going_on = endless
        self.good: set[str] = set()
        self.bad = 0
        self.published = asyncio.Event()
        """Set after each confirmed round; whoever waits for progress clears it."""

    @property
    def distinct(self) -> int:
        """Good events by identity, and bad ones each by themselves."""
        return len(self.good) + self.bad

    def finish(self) -> None:
        """Let `publish` return when what is planned by now is confirmed."""
        self._going_on = False

    async def publish(self) -> None:
        """Publish everything; return when all is confirmed."""
        self._rounds = self._plan()
        while True:
            try:
                async with SuperStreamPublisher(self._run.settings.stream_url, "orders") as publisher:
                    while self._rounds:
                        await self._publish(publisher, self._rounds[0])
                        self._rounds.pop(0)
                        if self._going_on and not self._rounds:
                            self._rounds = self._plan()
                        self.published.set()
                        await asyncio.sleep(self._pause)
                    return
            except StreamError:
                await asyncio.sleep(0.2)  # the broker is away; the round in hand is published again, as a service would

    async def _publish(self, publisher: SuperStreamPublisher, messages: list[Message]) -> None:
        """Publish until confirmed. A good event stored twice changes nothing; a bad one has no identity."""
        good = [m for m in messages if m.filter_value != "bad"]
        while True:
            try:
                await publisher.publish(good, timeout=10)
                break
            except Unconfirmed:
                await asyncio.sleep(0.2)
        self.good |= {m.message_id for m in good}
        bad = [m for m in messages if m.filter_value == "bad"]
        if bad:
            try:
                await publisher.publish(bad, timeout=10)
                self.bad += len(bad)
            except Unconfirmed:
                pass  # stored or not: the audit counts what is there; these are left out of our own count

    def _plan(self) -> list[list[Message]]:
        rounds: list[list[Message]] = []
        waves: list[list[dict[str, Any]]] = [[] for _ in range(len(LIFE) + 4)]
        first, self._planned = self._planned, self._planned + self._orders
        for number in range(first, self._planned):
            begin = self._random.randrange(4)
            for place, name in enumerate(LIFE[: self._random.randint(2, len(LIFE))]):
                late = 2 if self._random.random() < 0.05 else 0
                waves[min(begin + place + late, len(waves) - 1)].append(event(f"{self._prefix}{number}", name))
        seen: list[dict[str, Any]] = []
        for wave in waves:
            for start in range(0, len(wave), 20):
                part = wave[start : start + 20]
                seen += part
                again = self._random.sample(seen, min(len(seen), 2))
                batch = [message(fields) for fields in [*part, *again]]
                if self._random.random() < 0.2:
                    batch.insert(self._random.randrange(len(batch) + 1), _bad(self._random))
                rounds.append(batch)
        return rounds


def _bad(chance: random.Random) -> Message:
    body = chance.choice([b"not json", b"[]", orjson.dumps(event("L1", "submitted", time="yesterday"))])
    return Message(f"L{chance.randrange(100)}", body, "bad", "bad")
