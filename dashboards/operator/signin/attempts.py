"""How often somebody may try to sign in: counted in Redis for all instances, in memory where Redis is away (I6)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from pipelines.engine.settings import Settings

ANSWER_SECONDS = 0.25

AT_ONCE = 2
"""So many attempts are looked at at the same time: each takes 64 MiB and a core for a moment; and no more than that can
pass before the first of them is counted."""

PER_ADDRESS = (RateLimitItemPerMinute(10), RateLimitItemPerHour(50))
PER_NAME = (RateLimitItemPerMinute(5, 10),)
"""Attempts that failed: so many for a network address, and so many for an account."""

T = TypeVar("T")


class Attempts:
    """Counts attempts that failed."""

    def __init__(self, settings: Settings) -> None:
        # Connects when it is first asked.
        storage = RedisStorage(
            f"async+{settings.redis_url}", implementation="redispy", key_prefix=f"{settings.redis_prefix}sign-in"
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self.turn = asyncio.Semaphore(AT_ONCE)
        """Held from the question whether somebody may try until it is counted that they failed."""

    async def wait(self, name: str, address: str) -> int:
        """Return in how many seconds another attempt may be made; zero: now."""
        return await self._guarded(lambda limiter: _wait(limiter, name, address))

    async def failed(self, name: str, address: str) -> None:
        """Count an attempt."""
        await self._guarded(lambda limiter: _hit(limiter, name, address))

    async def _guarded(self, ask: Callable[[MovingWindowRateLimiter], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await ask(self._shared)
        except (RedisError, OSError, TimeoutError):
            return await ask(self._own)


def _limits(name: str, address: str) -> list[tuple[RateLimitItem, str, str]]:
    address = _network(address)
    return [*((item, "address", address) for item in PER_ADDRESS), *((item, "name", name) for item in PER_NAME)]


def _network(address: str) -> str:
    """Of IPv6, the network: whoever has one address there has all of them."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else address


async def _wait(limiter: MovingWindowRateLimiter, name: str, address: str) -> int:
    longest = 0.0
    for item, *key in _limits(name, address):
        if not await limiter.test(item, *key):
            stats = await limiter.get_window_stats(item, *key)
            longest = max(longest, stats.reset_time - time.time(), 1.0)
    return round(longest)


async def _hit(limiter: MovingWindowRateLimiter, name: str, address: str) -> None:
    for item, *key in _limits(name, address):
        await limiter.hit(item, *key)
