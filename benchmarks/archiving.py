"""`warren archive run` as its users run it: a process of its own, over the oldest month of a grown shop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

import orjson

from benchmarks.environment import BenchRun
from benchmarks.grown import MONTHS


def archived_at(folder: str) -> Mapping[str, str]:
    """Return the variables of an archive in this folder, for which only the oldest month is old enough."""
    return {"WARREN_ARCHIVE_URL": folder, "WARREN_ARCHIVE_AFTER_MONTHS": str(MONTHS - 2)}


async def archive_run(run: BenchRun, folder: str, limit: float) -> tuple[int, float]:
    """Let the month leave; return how many rows have left, and the seconds. After `limit` seconds it is ended."""
    started = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from cli.main import main; main()", "archive", "run", "--json",
        env={**os.environ, **run.variables, **archived_at(folder)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit):
            out, _ = await child.communicate()
    except TimeoutError:
        return 0, limit
    finally:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        await child.wait()
    seconds = time.perf_counter() - started
    return sum(month["rows"] for month in orjson.loads(out)["left"]), seconds
