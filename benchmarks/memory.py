"""`memory`: a processor that begins with millions of events waiting; its memory must not follow the backlog."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.materialise import publish_all
from benchmarks.processor import processors
from benchmarks.result import Result
from pipelines.engine.stores.postgres import connect

BACKLOG = 2_000_000
AIM_MIB = 200.0
_SECONDS = 60
_PIECE = 100_000


async def memory(bench: Bench) -> Result:
    """The largest resident memory, in MiB, in a minute of work on a backlog."""
    backlog = BACKLOG // 10 if bench.quick else BACKLOG
    async with bench.environment() as run:
        for piece in range(backlog // _PIECE):
            await publish_all(run, lives(_PIECE, seed=piece, first_order=piece * _PIECE))
        async with processors(run) as pids:
            readings, done = await _watch(run, pids[0])
    conditions = {
        "events_waiting": backlog,
        "events_done": done,
        "seconds": _SECONDS,
        "first_mib": readings[0],
        "last_mib": readings[-1],
    }
    return Result("memory", max(readings), "MiB", AIM_MIB, "the aim", True, conditions)


async def _watch(run: BenchRun, pid: int) -> tuple[list[float], int]:
    connection = await connect(run.settings.postgres_dsn, "views_v1")
    question = "SELECT coalesce(sum(next_offset), 0)::bigint FROM checkpoint"
    try:
        readings: list[float] = []
        while len(readings) < _SECONDS:
            await asyncio.sleep(1)
            if await connection.fetchval(question):
                readings.append(resident_mib(pid))
        return readings, await connection.fetchval(question)
    finally:
        await connection.close()


def resident_mib(pid: int) -> float:
    """Return a process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise ProcessLookupError(pid)
