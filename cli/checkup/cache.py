"""Redis: reachable. The board is slower without it, never wrong (I6)."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError

from cli.checkup.findings import Finding, fault, ok
from pipelines.engine.settings import Settings


async def examine_cache(settings: Settings) -> Finding:
    """Return what is found of the hot cache."""
    advice = "start Redis, or mend WARREN_REDIS_URL; until then the board reads PostgreSQL"
    try:
        redis = Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
    except ValueError as error:
        return fault("Redis", f"WARREN_REDIS_URL: {error}", advice)
    try:
        facts = await redis.info("server")
    except (RedisError, OSError) as error:
        return fault("Redis", f"does not answer: {error}", advice)
    finally:
        await redis.aclose()
    return ok("Redis", str(facts["redis_version"]))
