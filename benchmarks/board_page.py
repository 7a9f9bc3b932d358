"""`board_page`: the board of a grown shop, from Redis; beside it, the one read of Redis that it needs."""

from __future__ import annotations

import time

from redis.asyncio import Redis

from benchmarks.asking import asker, percentile, told, until_cached
from benchmarks.board import board
from benchmarks.environment import Bench, BenchRun
from benchmarks.grown import PARTITIONS, GrownShop
from benchmarks.processor import processors
from benchmarks.result import Result
from dashboards.operator.fragments import NEWEST
from pipelines.engine.stores.cache import Cache
from schemas.lifecycle import STAGES

WHOLE, QUICK = GrownShop(10_000_000), GrownShop(100_000)
PAGES = 2_000
WARM_PAGES = 100


async def board_page(bench: Bench) -> Result:
    """Median milliseconds of GET /, seen over one kept connection on loopback, while nothing else happens."""
    shop = QUICK if bench.quick else WHOLE
    async with bench.environment(shop) as run, processors(run), board(run) as address, asker(address) as reader:
        await until_cached(reader)
        pages = [await reader.page("/") for _ in range(WARM_PAGES + PAGES)]
        least = await _least(run)
    assert all(b'data-source="cache"' in page.body for page in pages)
    taken = [page.ms for page in pages[WARM_PAGES:]]
    conditions = {
        "orders": shop.orders, "open_orders": shop.a_month, "pages": PAGES, "bytes": len(pages[-1].body),
        "ms": told(taken), "aim_ms": {"p50": 3, "p99": 10},
    }  # fmt: skip
    limit_is = "one read of all lanes and counts from Redis, nothing made of it"
    return Result("board_page", percentile(taken, 50), "ms", percentile(least, 50), limit_is, True, conditions)


async def _least(run: BenchRun) -> list[float]:
    taken = []
    async with Redis.from_url(run.settings.redis_url) as redis:
        cache = Cache(redis, run.settings.redis_prefix, "views@1")
        for _ in range(PAGES // 4):
            started = time.perf_counter()
            await cache.read_board(range(PARTITIONS), list(STAGES), NEWEST)
            taken.append((time.perf_counter() - started) * 1000)
    return taken
