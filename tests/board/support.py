"""A board to ask, and its server-sent events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from redis.asyncio import Redis

from dashboards.operator.server import running_board
from pipelines.engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Board:
    """A board that runs, and a client of it."""

    address: str
    client: httpx.AsyncClient

    async def json(self, path: str, status: int = 200, **query: Any) -> Any:
        """Return the JSON answer; the status has to be as given."""
        response = await self.client.get(path, params=query)
        assert response.status_code == status, response.text
        return response.json()

    async def text(self, path: str, status: int = 200, **options: Any) -> str:
        """Return the text of an answer; the status has to be as given."""
        response = await self.client.get(path, **options)
        assert response.status_code == status, response.text
        return response.text

    async def metric(self, name: str) -> float:
        """Return one sample of /metrics, zero where there is none yet."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", await self.text("/metrics"), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    @asynccontextmanager
    async def events(self, path: str = "/api/events") -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """Open an event stream; yields (name, data), without the heartbeats."""
        async with self.client.stream("GET", path, timeout=60) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    name, data = "", []
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif not line and name:
            if name != "alive":
                yield name, "\n".join(data)
            name, data = "", []


@asynccontextmanager
async def asked(settings: Settings, **changes: Any) -> AsyncIterator[Board]:
    """Run a board with these settings, some of them changed."""
    own = settings.model_copy(update={"board_port": 0, **changes})
    async with running_board(own) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        yield Board(address, client)


@asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[Redis]:
    """Return a client of the run's Redis."""
    redis: Redis = Redis.from_url(settings.redis_url)
    async with redis:
        yield redis


async def keys(redis: Redis, settings: Settings, pattern: str = "*") -> list[bytes]:
    """Return the run's own keys that match."""
    return [key async for key in redis.scan_iter(match=f"{settings.redis_prefix}{pattern}", count=1000)]


def count_in(html: str, stage: str) -> int:
    """Return the number a lane shows in a page or a frame."""
    lane = re.search(rf'id="lane-{stage}".*?class="count">([^<]*)<', html, re.DOTALL)
    assert lane is not None, f"no lane {stage} in {html[:500]}"
    return int(re.sub(r"\D", "", lane.group(1)))
