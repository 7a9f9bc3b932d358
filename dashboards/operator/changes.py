"""What the pipeline announces after each commit, heard over one Redis subscription per process.

Announcements make the board quick, not right: whatever is not heard is found at the checkpoints a second later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from dashboards.operator.reads import Reads
from pipelines.engine.settings import Settings
from pipelines.engine.stores.cache import Cache
from pipelines.engine.stores.instances import InstanceName
from schemas.errors import StoreError, told

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
RETRY_SECONDS = 1.0
LISTEN_SECONDS = 1.0
"""How long to listen before looking whether the same version is still live."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`partition` stands at `offset` now, and these `orders` changed. None: any partition, any order."""

    partition: int | None = None
    offset: int = 0
    orders: frozenset[str] | None = None

    @classmethod
    def parse(cls, body: bytes) -> Changes:
        """Read an announcement. What cannot be read means that anything may have changed."""
        try:
            message = orjson.loads(body)
            orders = frozenset(order_id for order_id, *_ in message["orders"])
            return cls(int(message["partition"]), int(message["offset"]), None if message.get("more") else orders)
        except (ValueError, KeyError, TypeError):
            return cls()


class Listener:
    """Passes on what the live instance announces. Outages are waited out."""

    def __init__(self, settings: Settings, reads: Reads, tell: Callable[[Changes], None]) -> None:
        self._settings = settings
        self._reads = reads
        self._tell = tell
        self._heard = True

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen((await self._reads.standing()).instance)
            except (RedisError, OSError, StoreError) as error:
                if self._heard:
                    log.warning("no announcements: %s; the board looks at the checkpoints every second", told(error))
                self._heard = False
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, instance: InstanceName) -> None:
        """Listen until another version of the pipeline goes live."""
        # No retries of the client's own: it would subscribe again without a word about what it missed.
        redis: Redis = Redis.from_url(
            self._settings.redis_url, socket_connect_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        async with redis, redis.pubsub() as subscription:
            await subscription.subscribe(Cache(redis, self._settings.redis_prefix, str(instance)).changes_channel)
            self._heard = True
            self._tell(Changes())  # whatever was said while nobody listened
            while await self._is_live(instance):
                wait = LISTEN_SECONDS
                while (
                    message := await subscription.get_message(ignore_subscribe_messages=True, timeout=wait)
                ) is not None:
                    self._tell(Changes.parse(message["data"]))
                    wait = 0

    async def _is_live(self, instance: InstanceName) -> bool:
        try:
            return (await self._reads.standing()).instance == instance
        except StoreError:
            return True  # nobody can say otherwise
