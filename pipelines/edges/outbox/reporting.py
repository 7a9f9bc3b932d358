"""What relays tell of their outbox, every few seconds: to Prometheus, and to the board by way of the hot cache."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.lag import Lag, read_lag
from pipelines.edges.outbox.metrics import OLDEST, PENDING, WRITER
from pipelines.edges.outbox.reports import Report, reports_key
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import BY_KEY, DATABASE_ERRORS, connect
from schemas.errors import told

log = logging.getLogger(__name__)

REPORT_SECONDS = 2.0

_PATIENCE_SECONDS = 2.0


async def forget(settings: Settings, source: str) -> None:
    """Take back what was reported of an outbox that is gone, where Redis answers."""
    redis = Redis.from_url(
        settings.redis_url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS
    )
    try:
        await redis.hdel(reports_key(settings.redis_prefix), source)
    except RedisError as error:
        log.warning("the board goes on to show this outbox: %s", told(error))
    finally:
        await redis.aclose()


class Reporting:
    """Reports on one outbox; every relay does, whether it works or stands by."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._settings = settings
        self._dsn = dsn
        self._trouble: str | None = None
        self._seen: dict[str, float] = {}

    async def run(self) -> None:
        """Report until cancelled. A server that is away is said once, and costs reports only."""
        redis = Redis.from_url(self._settings.redis_url)
        connection: asyncpg.Connection | None = None
        try:
            while True:
                try:
                    if connection is None or connection.is_closed():
                        connection = await connect(
                            self._dsn, SCHEMA, application="warren outbox report", planning=BY_KEY
                        )
                    await self._report(redis, self._aged(await read_lag(connection)))
                    self._trouble = None
                except (*DATABASE_ERRORS, RedisError) as error:
                    if self._trouble != told(error):
                        log.warning("cannot report: %s", told(error))
                    self._trouble = told(error)
                await asyncio.sleep(REPORT_SECONDS)
        finally:
            if connection is not None:
                connection.terminate()
            await redis.aclose()

    def _aged(self, lag: Lag) -> Lag:
        """Give a transaction whose age this role may not see the time since it was first seen."""
        now = time.monotonic()
        self._seen = {writer.transaction: self._seen.get(writer.transaction, now) for writer in lag.writers}
        writers = [
            writer if writer.age_s is not None else replace(writer, age_s=now - self._seen[writer.transaction])
            for writer in lag.writers
        ]
        return replace(lag, writers=writers)

    async def _report(self, redis: Redis, lag: Lag) -> None:
        PENDING.labels(lag.source).set(lag.pending)
        OLDEST.labels(lag.source).set(lag.oldest_s or 0)
        WRITER.labels(lag.source).set(max((writer.age_s or 0 for writer in lag.writers), default=0))
        key = reports_key(self._settings.redis_prefix)
        await redis.hset(key, lag.source, Report(lag, time.time()).to_json())
