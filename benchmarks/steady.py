"""A steady load of events that happen now, and among them now and then the first event of an order to be looked for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import orjson

from benchmarks.environment import BenchRun
from benchmarks.events import endless, event
from pipelines.engine.transport import Message, SuperStreamPublisher

TICKS = 50
"""So often in a second a part of the load is published."""

PROBE_TICKS = 10
"""Every so many ticks an order is opened that is looked for."""

PROBE = "probe-"
"""How the ids of these begin. Their events are a second ahead, so that they stand on top of their lane for so long."""

_LATER = timedelta(seconds=1)


@dataclass(slots=True)
class Load:
    """What was published so far: how many events, and when each probe was confirmed, in seconds since 1970."""

    events: int = 0
    confirmed: dict[str, float] = field(default_factory=dict)
    began_at: float = field(default_factory=time.time)

    @property
    def rate(self) -> int:
        """Events a second since it began."""
        return round(self.events / (time.time() - self.began_at))


@asynccontextmanager
async def steady_load(run: BenchRun, rate: int, first_order: int) -> AsyncIterator[Load]:
    """Publish `rate` events a second for as long as the block runs: lives of orders numbered from `first_order` on."""
    load = Load()
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        task = asyncio.create_task(_publish(publisher, load, rate, first_order))
        try:
            yield load
        finally:
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
    if not isinstance(ended, asyncio.CancelledError):
        raise ended if isinstance(ended, BaseException) else RuntimeError("the load ended by itself")


async def _publish(publisher: SuperStreamPublisher, load: Load, rate: int, first_order: int) -> None:
    size = rate // TICKS
    events = endless(first_order)  # a store of them made at once would hold the load up for a moment, and then hurry it
    started, tick = time.perf_counter(), 0
    while True:
        part = [_now(message) for message in islice(events, size)]
        if tick % PROBE_TICKS == 0:
            part[-1] = _probe(tick // PROBE_TICKS)
        await publisher.publish(part)
        if tick % PROBE_TICKS == 0:
            load.confirmed[part[-1].subject] = time.time()
        load.events += len(part)
        tick += 1
        await asyncio.sleep(max(0.0, started + tick / TICKS - time.perf_counter()))


def _now(message: Message) -> Message:
    """Return the event as if it had happened now."""
    before, _, rest = message.body.partition(b'"time":"')
    _, _, after = rest.partition(b'"')
    now = datetime.now(UTC).isoformat().encode()
    return replace(message, body=b'%b"time":"%b"%b' % (before, now, after))


def _probe(number: int) -> Message:
    fields = orjson.loads(event(random.Random(number), number, 0).body)
    order_id = f"{PROBE}{number}"
    fields |= {"id": order_id, "subject": order_id, "time": (datetime.now(UTC) + _LATER).isoformat()}
    return Message(order_id, orjson.dumps(fields), order_id, str(fields["type"]))
