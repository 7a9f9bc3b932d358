"""`takeover`: an owner is killed, or stopped, under load; how long until others commit in each of its partitions."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress

import asyncpg

from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.processor import processors
from benchmarks.result import Result
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import SuperStreamPublisher

TRIALS = 10
AIM_SECONDS = 5.0
_RATE_PAUSE = 0.02


async def takeover(bench: Bench) -> Result:
    """The longest time in seconds after a kill; the longest after a stop stands in the conditions."""
    trials = bench.runs(TRIALS)
    killed = sorted([await _trial(bench, signal.SIGKILL) for _ in range(trials)])
    stopped = sorted([await _trial(bench, signal.SIGSTOP) for _ in range(max(1, trials // 2))])
    conditions = {
        "trials_killed": len(killed),
        "median_killed_s": round(killed[len(killed) // 2], 2),
        "trials_stopped": len(stopped),
        "median_stopped_s": round(stopped[len(stopped) // 2], 2),
        "longest_stopped_s": round(stopped[-1], 2),
        "aim_stopped_s": 10,
    }
    return Result("takeover", killed[-1], "s", AIM_SECONDS, "the aim after a kill", True, conditions)


async def _trial(bench: Bench, how: signal.Signals) -> float:
    async with bench.environment() as run, processors(run, 2) as pids:
        load = asyncio.create_task(_steadily(run))
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        try:
            victim, partitions = await _an_owner(connection, pids)
            before = await _offsets(connection)
            os.kill(victim, how)
            started = time.perf_counter()
            while True:
                rows = await connection.fetch("SELECT partition, owner, next_offset FROM checkpoint")
                taken = {
                    row["partition"]
                    for row in rows
                    if not row["owner"].endswith(f":{victim}") and row["next_offset"] > before[row["partition"]]
                }
                if partitions <= taken:
                    return time.perf_counter() - started
                if time.perf_counter() - started > 120:
                    raise TimeoutError(f"partitions {partitions - taken} were not taken over within two minutes")
                await asyncio.sleep(0.01)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGCONT)
                os.kill(pids[1], signal.SIGCONT)
            await connection.close()
            load.cancel()
            await asyncio.wait({load})


async def _an_owner(connection: asyncpg.Connection, pids: list[int]) -> tuple[int, set[int]]:
    """Wait until both processors own partitions and commit in all of them; return one of the two and what it owns."""
    while True:
        rows = await connection.fetch("SELECT partition, owner FROM checkpoint WHERE next_offset > 0")
        owned: dict[int, set[int]] = {pid: set() for pid in pids}
        for row in rows:
            owned[int(row["owner"].rpartition(":")[2])].add(row["partition"])
        if len(rows) == 8 and all(owned.values()):
            return pids[0], owned[pids[0]]
        await asyncio.sleep(0.05)


async def _offsets(connection: asyncpg.Connection) -> dict[int, int]:
    rows = await connection.fetch("SELECT partition, next_offset FROM checkpoint")
    return {row["partition"]: row["next_offset"] for row in rows}


async def _steadily(run: BenchRun) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        seed = 0
        while True:
            messages = lives(20_000, seed=seed, duplicates=0)
            for start in range(0, len(messages), 50):
                await publisher.publish(messages[start : start + 50])
                await asyncio.sleep(_RATE_PAUSE)
            seed += 1
