"""`cache_loss`: Redis is emptied under load; how long until the board comes from it again, at the speed it had.

All of Redis is emptied, also what others of this checkout have in it.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median

from redis.asyncio import Redis

from benchmarks.asking import Answer, Asker, asker, told, until_cached
from benchmarks.board import board
from benchmarks.environment import Bench, BenchRun
from benchmarks.grown import GrownShop
from benchmarks.live_200 import CLIENTS, RATE, pages
from benchmarks.processor import processors
from benchmarks.result import Result
from benchmarks.steady import PROBE, steady_load

WHOLE, QUICK = GrownShop(10_000_000), GrownShop(100_000)
LOSSES = 5
AIM_SECONDS = 10.0

_BEFORE_SECONDS = 8.0
_LOOKED_SECONDS = 15.0
_AS_FAST = 2.0
"""Pages are as fast as before when their median is no longer than so many times the median before the loss."""

_IN_A_ROW = 10
"""So many pages in a row have to come from the cache, as fast as before."""

_PATHS = ("/", "/orders", "/stuck", "/pipeline", f"/orders/{PROBE}1")

Asked = tuple[float, str, Answer]


async def cache_loss(bench: Bench) -> Result:
    """The longest of some losses, in seconds, each with 200 open boards and 5,000 events a second."""
    shop, losses = (QUICK, 2) if bench.quick else (WHOLE, LOSSES)
    usual: list[Asked] = []
    asked: list[Asked] = []
    back: list[float] = []
    seconds = losses * (_BEFORE_SECONDS + _LOOKED_SECONDS)
    async with bench.environment(shop) as run, processors(run), board(run) as address, asker(address) as reader:
        await until_cached(reader)
        async with steady_load(run, RATE, shop.orders) as load:
            await asyncio.sleep(3)
            watching = asyncio.create_task(pages(address, CLIENTS, seconds))
            for _ in range(losses):
                before = await _ask(reader, _BEFORE_SECONDS)
                lost = time.perf_counter()
                await _emptied(run)
                after = await _ask(reader, _LOOKED_SECONDS)
                usual += before
                asked += after
                back.append(_back(before, after, lost))
            frames = await watching
            rate = load.rate
    conditions = {
        "orders": shop.orders, "losses": losses, "seconds_each": [round(seconds, 2) for seconds in back], "rate": rate,
        "clients": CLIENTS, "pages_asked_after": len(asked), "longest_page_ms": round(max(a.ms for _, _, a in asked)),
        "error_pages": sum(answer.status != 200 for _, _, answer in asked), "streams_lost": frames["lost"],
        "boards_before": _said(usual), "boards_after": _said(asked),
    }  # fmt: skip
    return Result("cache_loss", max(back), "s", AIM_SECONDS, "the aim", True, conditions)


def _said(asked: list[Asked]) -> dict[str, float]:
    boards = [answer for _, path, answer in asked if path == "/"]
    return {"from_cache": round(_from_cache(boards) / len(boards), 3), **told([answer.ms for answer in boards])}


async def _emptied(run: BenchRun) -> None:
    async with Redis.from_url(run.settings.redis_url) as redis:
        await redis.flushall()


async def _ask(reader: Asker, seconds: float) -> list[Asked]:
    """Ask for the board and, now and then, for other pages, for so long; return when each was asked, and the answer."""
    asked: list[Asked] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        path = _PATHS[len(asked) // 2 % len(_PATHS)] if len(asked) % 2 else "/"
        asked.append((time.perf_counter(), path, await reader.ask(path)))
        await asyncio.sleep(0.02)
    return asked


def _back(before: list[Asked], after: list[Asked], lost: float) -> float:
    """Return the seconds from the loss to the first of some boards in a row that came as they did before;
    `_LOOKED_SECONDS` where there were none."""
    usual = median(answer.ms for _, path, answer in before if path == "/")
    boards = [(at, answer) for at, path, answer in after if path == "/"]
    for first in range(len(boards) - _IN_A_ROW + 1):
        row = [answer for _, answer in boards[first : first + _IN_A_ROW]]
        if _from_cache(row) == len(row) and median(answer.ms for answer in row) <= _AS_FAST * usual:
            return boards[first][0] - lost
    return _LOOKED_SECONDS


def _from_cache(answers: list[Answer]) -> int:
    return sum(b'data-source="cache"' in answer.body for answer in answers)
