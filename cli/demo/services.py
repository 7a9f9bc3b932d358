"""The simulated Shop, CRM and MES: each publishes its own events, all three at once.

Their good events go through outboxes in their own databases; what an outbox would refuse, and what others say, goes
to the stream directly, as a stranger's client would send it. An order's next message goes out only after the one
before was confirmed, whichever service sends it; what arrives out of step was meant to (`cli.demo.faults`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from cli.demo.errors import DemoFailed
from cli.demo.outboxes import ServiceOutbox, takes
from cli.demo.pace import Pace
from cli.demo.planned import Fate, Planned, Sender
from cli.demo.tally import Tally
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from pipelines.engine.transport import SuperStreamPublisher
from schemas.errors import Unconfirmed
from schemas.streams import partition_of

AT_ONCE = 500
"""At most so many messages wait for their confirms in one call, per service."""

PATIENCE_SECONDS = 120.0
"""A broker that confirms nothing for so long is given up."""

_LONGEST_PAUSE = 2.0
_LOOK_SECONDS = 0.004


class _Line:
    """One order's messages, of which the first has not been confirmed yet."""

    def __init__(self, messages: Sequence[Planned]) -> None:
        self._messages = messages
        self._place = 0
        self.opened = False

    @property
    def head(self) -> Planned:
        return self._messages[self._place]

    def advance(self) -> bool:
        """Go on to the next message; False where there is none."""
        self._place += 1
        return self._place < len(self._messages)


class _Patience:
    """Ends with DemoFailed where nothing moves for PATIENCE_SECONDS."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = time.monotonic()
        self._pause = 0.05

    def moved(self) -> None:
        """Begin anew."""
        self._begun = time.monotonic()

    def check(self) -> None:
        """Raise DemoFailed where it has lasted too long."""
        if time.monotonic() - self._begun > PATIENCE_SECONDS:
            raise DemoFailed(f"{self._what} for {PATIENCE_SECONDS:g} s; see `warren services logs`")

    async def wait(self) -> None:
        """Wait before the next attempt, ever longer. Raises as `check`."""
        self.check()
        await asyncio.sleep(self._pause)
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)


class Services:
    """Publishes whatever orders it is given. `on_applied` is told of each confirmed event that must take effect.

    A service that `outboxes` does not have publishes all its messages directly.
    """

    def __init__(
        self,
        settings: Settings,
        pace: Pace,
        tally: Tally,
        on_applied: Callable[[Planned], None],
        outboxes: Mapping[Sender, ServiceOutbox],
    ) -> None:
        self._settings = settings
        self._outboxes = outboxes
        self._pace = pace
        self._tally = tally
        self._on_applied = on_applied
        self._ready: dict[Sender, asyncio.Queue[_Line]] = {sender: asyncio.Queue() for sender in Sender}
        self._lines = 0
        self._at_work = 0
        self._changed = asyncio.Event()

    @property
    def orders_under_way(self) -> int:
        """Orders with messages still to be published."""
        return self._lines

    def add(self, messages: Sequence[Planned]) -> None:
        """Begin with an order."""
        self._lines += 1
        self._enqueue(_Line(messages))

    async def until_under_way(self, most: int) -> None:
        """Wait until at most so many orders are under way."""
        while self._lines > most:
            self._changed.clear()
            await self._changed.wait()

    async def until_idle(self) -> None:
        """Wait until nothing is being published, and nothing could be: what is still to come is due later."""
        while self._at_work:
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            DemoFailed: the broker confirms nothing any more.
            StreamMissing, StreamUnavailable: it could not be reached to begin with.
        """
        url, name = self._settings.stream_url, self._settings.super_stream
        async with AsyncExitStack() as stack:
            publishers = [await stack.enter_async_context(SuperStreamPublisher(url, name)) for _ in Sender]
            tasks = [
                asyncio.create_task(self._serve(sender, publisher), name=f"simulated {sender}")
                for sender, publisher in zip(Sender, publishers, strict=True)
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, sender: Sender, publisher: SuperStreamPublisher) -> None:
        ready, outbox = self._ready[sender], self._outboxes.get(sender)
        while True:
            lines = [await ready.get()]
            allowed = await self._pace.take(min(AT_ONCE, 1 + ready.qsize()))
            lines += [ready.get_nowait() for _ in range(allowed - 1)]
            heads = [line.head for line in lines]
            if outbox is None:
                await self._publish(heads, publisher)
            else:
                ours = [message for message in heads if takes(message)]
                others = [message for message in heads if not takes(message)]
                await asyncio.gather(self._write(ours, outbox), self._publish(others, publisher))
            for line in lines:
                self._confirmed(line)

    async def _write(self, messages: list[Planned], outbox: ServiceOutbox) -> None:
        """Return when the relay has brought all of them into the stream. A commit in doubt is made again."""
        patience = _Patience("a service's database takes nothing")
        while messages:
            try:
                await outbox.write(messages)
                break
            except DATABASE_ERRORS:
                self._tally.unconfirmed(messages)
                await patience.wait()
        patience, left = _Patience("a relay has published nothing"), len(messages)
        while left:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                pending = await outbox.pending(messages)
            except DATABASE_ERRORS:
                await patience.wait()
                continue
            if pending < left:
                patience.moved()
            patience.check()
            left = pending

    async def _publish(self, messages: list[Planned], publisher: SuperStreamPublisher) -> None:
        """Return when all are confirmed, however often it takes."""
        patience = _Patience("the broker has confirmed nothing")
        while messages:
            failed = await self._try(messages, publisher)
            if not failed:
                return
            self._tally.unconfirmed(failed)
            if len(failed) < len(messages):
                patience.moved()
            messages = failed
            await patience.wait()

    async def _try(self, messages: list[Planned], publisher: SuperStreamPublisher) -> list[Planned]:
        """Publish once; return those the broker has not confirmed."""
        at_home = [message for message in messages if not message.stray]
        failed = []
        try:
            await publisher.publish([message.message for message in at_home])
        except Unconfirmed as failure:
            failed += [at_home[index] for index in failure.indexes]
        for message in messages:
            if message.stray:
                home = partition_of(message.order_id, self._settings.partitions)
                try:
                    await publisher.publish_to((home + message.stray) % self._settings.partitions, [message.message])
                except Unconfirmed:
                    failed.append(message)
        return failed

    def _confirmed(self, line: _Line) -> None:
        message = line.head
        takes_effect = message.fate is Fate.APPLIED
        self._tally.confirmed(message, first_of_order=takes_effect and not line.opened)
        if takes_effect:
            line.opened = True
            self._on_applied(message)
        if line.advance():
            self._enqueue(line)
        else:
            self._lines -= 1
        self._at_work -= 1
        self._changed.set()

    def _enqueue(self, line: _Line) -> None:
        wait = (line.head.due - datetime.now(UTC)).total_seconds() if line.head.due else 0.0
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._put, line)
        else:
            self._put(line)

    def _put(self, line: _Line) -> None:
        self._at_work += 1
        self._ready[line.head.sender].put_nowait(line)
