"""A processor as it runs in production: a process of its own, which a test may kill, freeze and wake."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cli.localservers.processes import is_stopped
from tests.support.runs import Run
from tests.support.waiting import until

_WARREN = ("-c", "from cli.main import main; main()")
_RUN = ("run", "views@1")
_RELAY = ("outbox", "relay")


class Processor:
    """`warren run views@1`, or what `arguments` say, as a child process; its log is in `log`.

    `entry` names a module, and its first arguments, to run in place of the command: it changes something and then
    calls it. `environment` overrides what leads to the run's servers.
    """

    def __init__(
        self,
        run: Run,
        log: Path,
        *,
        arguments: Sequence[str] = _RUN,
        entry: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = {**os.environ, **run.environment(), **(environment or {})}
        command = ("-m", *entry) if entry else _WARREN
        self._command = [sys.executable, *command, *arguments, "--metrics-port", "0"]
        self._labels = {"source": "/shop"} if arguments is _RELAY else {"instance": "views@1"}
        self.log = log
        self._log_before = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self._log_before = log.tell()
            self._child = subprocess.Popen(
                self._command,
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
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it ends by itself; return its exit code, negative where a signal ended it."""
        assert self._child is not None
        return await asyncio.to_thread(self._child.wait, 60)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether it runs and has been stopped by a signal."""
        return self.running and is_stopped(self.pid)

    async def address(self) -> str:
        """Wait until it serves /metrics and /readyz; return where."""

        async def found() -> str | None:
            assert self.running, f"the processor has ended: {self._said()[-2000:]}"
            match = re.search(r"http://127\.0\.0\.1:\d+", self._said())
            return match.group() if match else None

        address = await until(found, "the processor to say where it serves")
        assert address is not None
        return address

    async def troubles(self) -> list[str]:
        """Return why it is not ready; empty where it is."""
        async with httpx.AsyncClient(base_url=await self.address(), trust_env=False) as client:
            return list((await client.get("/readyz")).json()["reasons"])

    async def metric(self, name: str, **labels: str) -> float | None:
        """Return a metric of instance views@1, or of Shop's outbox; None where it is not there."""
        async with httpx.AsyncClient(base_url=await self.address(), trust_env=False) as client:
            text = (await client.get("/metrics")).text
        given = sorted({**self._labels, **labels}.items())
        wanted = ",".join(f'{key}="{value}"' for key, value in given)
        match = re.search(rf"^{re.escape(f'{name}{{{wanted}}}')} (\S+)$", text, re.MULTILINE)
        return float(match.group(1)) if match else None

    def end(self) -> None:
        """Make sure it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.wake()
            self.kill()

    def _said(self) -> str:
        """What it has logged since it was started last."""
        return self.log.read_bytes()[self._log_before :].decode(errors="replace")


@asynccontextmanager
async def processor(
    run: Run, log: Path, *, entry: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> AsyncIterator[Processor]:
    """Give a running processor and end it afterwards, whatever became of it."""
    async with _started(Processor(run, log, entry=entry, environment=environment)) as child:
        yield child


@asynccontextmanager
async def relay(run: Run, log: Path, *, environment: Mapping[str, str] | None = None) -> AsyncIterator[Processor]:
    """Give a running relay of the outbox in the run's own database, and end it afterwards."""
    variables = {"WARREN_OUTBOX_DSN": run.settings.postgres_dsn, **(environment or {})}
    async with _started(Processor(run, log, arguments=_RELAY, environment=variables)) as child:
        yield child


@asynccontextmanager
async def _started(child: Processor) -> AsyncIterator[Processor]:
    child.start()
    try:
        yield child
    finally:
        child.end()
