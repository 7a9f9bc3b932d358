"""Pages asked for over one kept connection on loopback, one after the other: what a page takes, seen by its reader."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit

import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and how many milliseconds passed from the first byte asked to the last byte answered."""

    status: int
    headers: dict[str, str]
    body: bytes
    ms: float


class Asker:
    """One reader. A client of a few lines, so that it takes little of what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, path: str) -> Answer:
        """Return the answer to GET, whatever its status."""
        started = time.perf_counter()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: en\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split()[1]), headers, body, (time.perf_counter() - started) * 1000)

    async def page(self, path: str) -> Answer:
        """Return an answer that is a page. Raises RuntimeError for any other."""
        answer = await self.ask(path)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:300]!r}")
        return answer


@asynccontextmanager
async def asker(address: str) -> AsyncIterator[Asker]:
    """Give a connection to the board at `address`."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield Asker(reader, writer)
    finally:
        writer.close()


async def until_cached(asker: Asker) -> None:
    """Wait until the board answers from the cache."""
    while True:
        if orjson.loads((await asker.page("/api/board?limit=6")).body)["source"] == "cache":
            return
        await asyncio.sleep(0.1)


def percentile(milliseconds: Sequence[float], percent: int) -> float:
    """Return a percentile, rounded to hundredths."""
    return round(quantiles(milliseconds, n=100, method="inclusive")[percent - 1], 2)


def told(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return what a condition says of them."""
    return {"p50": percentile(milliseconds, 50), "p99": percentile(milliseconds, 99)}
