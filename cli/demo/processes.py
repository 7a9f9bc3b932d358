"""The demo's child processes: the pipeline and the board, as they run in production."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cli.demo.errors import DemoFailed

R = TypeVar("R")

GRACE_SECONDS = 10.0
"""A child that has not ended so long after SIGTERM is killed."""

LOG_LINES = 15

WARREN = "from cli.demo.orphan import end_with_parent; end_with_parent(); from cli.main import main; main()"
"""The command `warren`, run by this very Python, which does not outlive us."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running child; `log` is where its output goes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def died(self) -> DemoFailed:
        """Wait until it ends; return what to say of it."""
        code = await self.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return DemoFailed(f"the {self.name} ended ({how}); its log: {self.log}")

    def last_lines(self) -> list[str]:
        """Return the end of its log."""
        return self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]


@asynccontextmanager
async def child(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, hurry: asyncio.Event
) -> AsyncIterator[Child]:
    """Run `warren` with these arguments in a process group of its own, which Ctrl-C at the terminal does not reach.

    On the way out it is asked to end, and killed when it does not within GRACE_SECONDS or `hurry` is set.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WARREN, *arguments,
            env={**os.environ, **environment}, stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield Child(name, process, log)
    finally:
        await _end(process, hurry)


async def guarded(work: Coroutine[Any, Any, R], children: Sequence[Child]) -> R:
    """Return what `work` returns.

    Raises:
        DemoFailed: a child ended before that; `work` was cancelled.
    """
    task = asyncio.create_task(work)
    deaths = [asyncio.create_task(one.died()) for one in children]
    try:
        await asyncio.wait([task, *deaths], return_when=asyncio.FIRST_COMPLETED)
        for one, death in zip(children, deaths, strict=True):
            if death.done() and not task.done():
                for line in one.last_lines():
                    sys.stderr.write(f"{one.name}: {line}\n")
                raise death.result()
        return await task
    finally:
        for each in (task, *deaths):
            each.cancel()
        await asyncio.gather(task, *deaths, return_exceptions=True)


async def _end(process: asyncio.subprocess.Process, hurry: asyncio.Event) -> None:
    _signal(process, signal.SIGTERM)
    waits = [asyncio.create_task(process.wait()), asyncio.create_task(hurry.wait())]
    try:
        await asyncio.wait(waits, timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        _signal(process, signal.SIGKILL)
        for wait in waits:
            wait.cancel()
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal the whole group of a child that has not ended; the number of one that has may be another's by now."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
