"""Redis: reachable. The board is slower without it, never wrong (I6)."""

from __future__ import annotations

from dataclasses import replace

from redis.asyncio import Redis
from redis.exceptions import RedisError

from cli.checkup.findings import Finding, fault, fault_said, ok
from cli.server_errors import cache_trouble
from pipelines.engine.settings import Settings


async def examine_cache(settings: Settings) -> Finding:
    """Return what is found of the hot cache."""
    try:
        redis = Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
    except ValueError as error:
        return fault("Redis", f"WARREN_REDIS_URL: {error}", "mend it; until then the board reads PostgreSQL")
    try:
        facts = await redis.info("server")
    except (RedisError, OSError) as error:
        finding = fault_said("Redis", cache_trouble(error))
        return replace(finding, advice=f"{finding.advice}; until then the board reads PostgreSQL")
    finally:
        await redis.aclose()
    return ok("Redis", str(facts["redis_version"]))
