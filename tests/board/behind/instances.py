"""Instances of the board as a shop runs them: `warren board`, processes that a test may kill and start again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.support.waiting import until

_WARREN = ("-c", "from cli.main import main; main()")


class Instance:
    """One process. Its port stays the same at every start; what it said since the last is in `log`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._child: subprocess.Popen[bytes] | None = None
        self.log = log
        self.port = 0

    @property
    def address(self) -> str:
        """Where it answers itself, with nothing in front."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self, entry: Sequence[str] = _WARREN) -> None:
        """Start it; `entry` is what Python runs in place of the command."""
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, *entry, "board", "--port", str(self.port)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it answers, with all its servers."""

        async def printed() -> int | None:
            assert self.running, self.log.read_text()
            found = re.search(r"^board: http://127\.0\.0\.1:(\d+)$", self.log.read_text(), re.MULTILINE)
            return int(found.group(1)) if found else None

        port = await until(printed, "an instance to say where it is")
        assert port is not None
        self.port = port
        async with httpx.AsyncClient(base_url=self.address, timeout=30, trust_env=False) as client:

            async def answers() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(answers, "an instance to be ready")

    async def readers(self) -> float:
        """How many event streams are open at it."""
        return await self.metric("warren_board_sse_clients")

    async def metric(self, name: str) -> float:
        """Return one sample of its /metrics, zero where there is none yet."""
        async with httpx.AsyncClient(base_url=self.address, timeout=30, trust_env=False) as client:
            found = re.search(rf"^{re.escape(name)} (\S+)$", (await client.get("/metrics")).text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def send(self, number: signal.Signals) -> None:
        """Give it a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    async def ended(self) -> int:
        """Wait until it ends; return its exit code, negative where a signal ended it."""
        assert self._child is not None
        return await asyncio.to_thread(self._child.wait, 60)

    def end(self) -> None:
        """Make sure it is gone."""
        if self._child is not None and self.running:
            self._child.kill()
            self._child.wait()


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return what a process inherits, with no settings but these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WARREN_")} | dict(own)
