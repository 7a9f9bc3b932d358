"""A service with eight busy connections, as a process of its own: `python -m benchmarks.outbox_writers`.

Writes events to an outbox in transactions of some events each, as fast as possible or at a rate, and prints, for each
transaction, when its commit returned (seconds since 1970) and the ids of its events, as JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time

import asyncpg
import orjson
import uvloop

from benchmarks.events import lives

WRITERS = 8

_PUBLISH = "SELECT warren_outbox.publish($1, $2, $3, $4)"

Event = tuple[str, str, str, str]


async def write(dsn: str, events: list[Event], together: int, rate: float | None) -> list[tuple[float, list[str]]]:
    """Write all events, each order's by one writer in their order; `rate` None: as fast as possible."""
    shares: list[list[Event]] = [[] for _ in range(WRITERS)]
    for event in events:
        shares[hash(event[0]) % WRITERS].append(event)
    pause = None if rate is None else WRITERS * together / rate
    commits: list[tuple[float, list[str]]] = []

    async def writer(share: list[Event]) -> None:
        connection = await asyncpg.connect(dsn)
        due = time.monotonic()
        for first in range(0, len(share), together):
            part = share[first : first + together]
            if pause is not None:
                due += pause
                await asyncio.sleep(due - time.monotonic())
            async with connection.transaction():
                await connection.executemany(_PUBLISH, part)
            commits.append((time.time(), [event_id for *_, event_id in part]))
        await connection.close()

    await asyncio.gather(*map(writer, shares))
    return commits


def shop_events(count: int) -> list[Event]:
    """Return events of about 500 bytes that /shop may send."""
    events = []
    for number, message in enumerate(lives(count, duplicates=0)):
        data = orjson.dumps(orjson.loads(message.body)["data"]).decode()
        events.append((message.subject, "order.note_added.v1", data, f"e-{number}"))
    return events


if __name__ == "__main__":
    _, dsn_, count_, together_, rate_ = sys.argv
    made = uvloop.run(write(dsn_, shop_events(int(count_)), int(together_), float(rate_) or None))
    sys.stdout.buffer.write(orjson.dumps(made))
