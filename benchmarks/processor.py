"""A processor as its users run it: a process of its own, and what it costs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.environment import BenchRun
from pipelines.engine.stores.postgres import connect


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the checkpoints were, when, and how much CPU (seconds) the processors had used by then."""

    events: int
    at: float
    cpu: float


@asynccontextmanager
async def processors(run: BenchRun, count: int = 1) -> AsyncIterator[list[int]]:
    """Run so many processors of `views@1`; give their process ids, and stop them afterwards, also one that is frozen.

    One may have been killed meanwhile.
    """
    command = [sys.executable, "-c", "from cli.main import main; main()", "run", "views@1"]
    environment = {**os.environ, **run.variables}
    quiet = asyncio.subprocess.DEVNULL
    children = [
        await asyncio.create_subprocess_exec(*command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
        for _ in range(count)
    ]
    try:
        yield [child.pid for child in children]
    finally:
        for child in children:
            with suppress(ProcessLookupError):
                child.terminate()
                child.send_signal(signal.SIGCONT)
        await asyncio.gather(*(child.wait() for child in children))


async def until_done(run: BenchRun, pids: list[int], events: int) -> tuple[Reading, Reading]:
    """Wait until the checkpoints have passed so many events; return a reading at the first progress, and the last."""
    connection = await connect(run.settings.postgres_dsn, "views_v1")
    first: Reading | None = None
    try:
        while True:
            now = await _read(connection, pids)
            if first is None and now.events:
                first = now
            if first is not None and now.events >= events:
                return first, now
            await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def _read(connection: asyncpg.Connection, pids: list[int]) -> Reading:
    events = await connection.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM checkpoint")
    return Reading(events, time.perf_counter(), sum(map(cpu_seconds, pids)))


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
