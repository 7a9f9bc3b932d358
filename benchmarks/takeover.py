"""`takeover`: an owner is killed, or stopped, under load; how long until others commit in each of its partitions."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence

import asyncpg

from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.materialise import PARTITIONS
from benchmarks.processor import processors
from benchmarks.result import Result
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import SuperStreamPublisher

TRIALS = 10
AIM_SECONDS = 5.0
AIM_STOPPED_SECONDS = 10.0
_RATE_PAUSE = 0.02
_PATIENCE = 180.0
_SETTLED_SECONDS = 3.0


async def takeover(bench: Bench) -> Result:
    """The longest time in seconds after a kill, over all trials and partitions; that after a stop is a condition."""
    trials = bench.runs(TRIALS)
    killed = [seconds for _ in range(trials) for seconds in await _trial(bench, signal.SIGKILL)]
    stopped = [seconds for _ in range(trials) for seconds in await _trial(bench, signal.SIGSTOP)]
    conditions = {
        "trials_each": trials,
        "partitions_killed": len(killed),
        "median_killed_s": _median(killed),
        "partitions_stopped": len(stopped),
        "median_stopped_s": _median(stopped),
        "longest_stopped_s": round(max(stopped), 2),
        "aim_stopped_s": AIM_STOPPED_SECONDS,
    }
    return Result("takeover", max(killed), "s", AIM_SECONDS, "the aim after a kill", True, conditions)


def _median(seconds: Sequence[float]) -> float:
    return round(sorted(seconds)[len(seconds) // 2], 2)


async def _trial(bench: Bench, how: signal.Signals) -> list[float]:
    """Return how long each of the victim's partitions stood still."""
    async with bench.environment() as run, processors(run, 2) as pids:
        load = asyncio.create_task(_steadily(run))
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        try:
            async with asyncio.timeout(_PATIENCE):
                partitions = await _when_shared(connection, pids)
                os.kill(pids[0], how)
                return await _taken_over(connection, pids[1], partitions)
        except TimeoutError as error:
            rows = await connection.fetch("SELECT partition, owner, epoch, next_offset FROM checkpoint ORDER BY 1")
            raise TimeoutError(f"processors {pids}: {[tuple(row) for row in rows]}") from error
        finally:
            await connection.close()
            load.cancel()
            await asyncio.wait({load})


async def _when_shared(connection: asyncpg.Connection, pids: list[int]) -> set[int]:
    """Wait until both processors own partitions, commit in all, and nothing has moved for a while; return the first's.

    Which are whose depends on who joined each first, so the halves need not be equal.
    """
    before: dict[int, str] = {}
    since = time.perf_counter()
    while True:
        rows = await connection.fetch("SELECT partition, owner FROM checkpoint WHERE next_offset > 0")
        owners = {row["partition"]: row["owner"] for row in rows}
        if owners != before or len(owners) < PARTITIONS or len(set(owners.values())) < 2:
            before, since = owners, time.perf_counter()
        if time.perf_counter() - since > _SETTLED_SECONDS:
            return {partition for partition, owner in owners.items() if _is_of(owner, pids[0])}
        await asyncio.sleep(0.05)


async def _taken_over(connection: asyncpg.Connection, successor: int, partitions: set[int]) -> list[float]:
    """Wait for the successor's first commit in each; what it finds when it takes a partition is not its own."""
    started = time.perf_counter()
    found: dict[int, int] = {}
    taken: dict[int, float] = {}
    while partitions > taken.keys():
        await asyncio.sleep(0.01)
        for row in await connection.fetch("SELECT partition, owner, next_offset FROM checkpoint"):
            partition, offset = row["partition"], row["next_offset"]
            if partition not in partitions or not _is_of(row["owner"], successor):
                continue
            if offset > found.setdefault(partition, offset):
                taken.setdefault(partition, time.perf_counter() - started)
    return list(taken.values())


def _is_of(owner: str, pid: int) -> bool:
    return owner.endswith(f":{pid}")


async def _steadily(run: BenchRun) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        seed = 0
        while True:
            messages = lives(20_000, seed=seed, duplicates=0, first_order=seed * 20_000)
            for start in range(0, len(messages), 50):
                await publisher.publish(messages[start : start + 50])
                await asyncio.sleep(_RATE_PAUSE)
            seed += 1
