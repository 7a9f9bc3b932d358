"""Open pages of a board, as a process of its own: `python -m benchmarks.watchers ADDRESS COUNT SECONDS`.

Each is an event stream. Prints as JSON, for each order whose id begins with `PROBE`, when its card came to each page;
when all had their first frame (both in seconds since 1970); how many bytes came, and how many streams ended.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvloop

from benchmarks.steady import PROBE

_CARD = re.compile(rf'id="card-({PROBE}\d+)"'.encode())
_TAIL = 64
"""A card's beginning may come in two pieces, and is no longer than this."""


_PATIENCE = 30
"""Every page has its first frame after at most so many seconds, or there is nothing to measure."""


class Watcher(asyncio.Protocol):
    """One open page."""

    def __init__(self, host: str, seen: dict[str, list[float]]) -> None:
        self._host = host
        self._seen = seen
        self._known: set[bytes] = set()
        self._tail = b""
        self.begun = asyncio.Event()
        self.bytes = 0
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        """Ask for the board's events."""
        transport.write(f"GET /api/events HTTP/1.1\r\nHost: {self._host}\r\nAccept-Language: en\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Note which cards are new."""
        now = time.time()
        self.begun.set()
        self.bytes += len(data)
        text = self._tail + data
        for card in _CARD.findall(text):
            if card not in self._known:
                self._known.add(card)
                self._seen.setdefault(card.decode(), []).append(now)
        self._tail = text[-_TAIL:]

    def connection_lost(self, _: Exception | None) -> None:
        """Note that the page is no longer live."""
        self.lost = True


async def watch(address: str, count: int, seconds: float) -> dict[str, object]:
    """Keep so many pages open for so long; return what came."""
    place = urlsplit(address)
    seen: dict[str, list[float]] = {}
    watchers = [Watcher(place.netloc, seen) for _ in range(count)]
    opened = [await _open(watcher, str(place.hostname), place.port or 80) for watcher in watchers]
    async with asyncio.timeout(_PATIENCE):
        for watcher in watchers:
            await watcher.begun.wait()
    opened_at = time.time()
    await asyncio.sleep(seconds)
    lost = sum(watcher.lost for watcher in watchers)
    for transport in opened:
        transport.close()
    return {"seen": seen, "opened_at": opened_at, "bytes": sum(watcher.bytes for watcher in watchers), "lost": lost}


async def _open(watcher: Watcher, host: str, port: int) -> asyncio.BaseTransport:
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: watcher, host, port)
    return transport


if __name__ == "__main__":
    _, address_, count_, seconds_ = sys.argv
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(watch(address_, int(count_), float(seconds_)))))
