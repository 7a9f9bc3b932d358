"""A processor as it runs in production: a process of its own, which a test may kill, freeze and wake."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.runs import Run


class Processor:
    """`warren run views@1` as a child process; its log is in `log`."""

    def __init__(self, run: Run, log: Path) -> None:
        self._environment = {**os.environ, **run.environment()}
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-c", "from cli.main import main; main()", "run", "views@1"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it with no chance to say goodbye."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def freeze(self) -> None:
        """Stop it where it stands; its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to end and return its exit code."""
        assert self._child is not None
        self._child.terminate()
        return await asyncio.to_thread(self._child.wait, 60)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    def end(self) -> None:
        """Make sure it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.wake()
            self.kill()


@asynccontextmanager
async def processor(run: Run, log: Path) -> AsyncIterator[Processor]:
    """Give a running processor and end it afterwards, whatever became of it."""
    child = Processor(run, log)
    child.start()
    try:
        yield child
    finally:
        child.end()
