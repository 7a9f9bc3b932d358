"""A demo as a process of its own, and what it must not leave behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
from redis import Redis

from cli.localservers import Addresses
from tests.support.waiting import until

MARK = "WARREN_TEST_DEMO"
"""An environment variable that the demo's children inherit, by which they are found."""


class Demo:
    """A running `warren demo`; `said` is what it has written on stderr so far."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self._process = process
        self._mark = mark
        self.said = ""

    @property
    def run(self) -> str:
        """The name of its virtual host and database."""
        found = re.search(r"^run (demo_\w+)$", self.said, re.MULTILINE)
        assert found is not None, self.said
        return found.group(1)

    @property
    def pid(self) -> int:
        """Its own process, not one of its children."""
        return self._process.pid

    async def says(self, words: str) -> None:
        """Wait until it has written these words on stderr."""

        async def said() -> bool:
            return words in self.said

        await until(said, f"{words!r} on stderr of the demo", seconds=120)

    def signal(self, number: signal.Signals) -> None:
        """Signal the demo's process group, as a terminal does."""
        os.killpg(self._process.pid, number)

    def kill(self, pid: int) -> None:
        """End one of the demo's processes with no chance to say goodbye."""
        assert pid in self.processes()
        os.kill(pid, signal.SIGKILL)

    def processes(self) -> dict[int, str]:
        """Return the demo's processes with their command lines, itself included."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if f"{MARK}={self._mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue  # it ended meanwhile
        return found

    async def end(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and stdout."""
        assert self._process.stdout is not None
        stdout = (await asyncio.wait_for(self._process.stdout.read(), 240)).decode()
        return await asyncio.wait_for(self._process.wait(), 60), stdout

    async def read_stderr(self) -> None:
        """Keep `said` up to date until its end."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.said += line.decode()


@asynccontextmanager
async def demo(*arguments: str, **variables: str) -> AsyncIterator[Demo]:
    """Run `warren demo`, with further `variables`; where the block leaves it running, all its processes are killed."""
    mark = uuid.uuid4().hex
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from cli.main import main; main()", "demo", *arguments,
        env={**os.environ, **variables, MARK: mark, "WARREN_BOARD_PORT": "0", "WARREN_PARTITIONS": "4"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    running = Demo(process, mark)
    listening = asyncio.create_task(running.read_stderr())
    try:
        yield running
        await listening
    finally:
        listening.cancel()
        for pid in running.processes():
            os.kill(pid, signal.SIGKILL)
        await process.wait()


def left_behind(addresses: Addresses, run: str) -> list[str]:
    """Return what the servers still have of a run."""
    found = []
    url = httpx.URL(addresses.management_url).join(f"/api/vhosts/{run}")
    if httpx.get(url, trust_env=False).status_code != httpx.codes.NOT_FOUND:
        found.append("its virtual host")
    with psycopg.connect(addresses.postgres_dsn) as connection:
        there = "SELECT 1 FROM pg_database WHERE datname = %s"
        found += [
            f"its database{suffix}"
            for suffix in ("", "_shop", "_crm", "_mes")
            if connection.execute(there, [run + suffix]).fetchone()
        ]
    with Redis.from_url(addresses.redis_url) as redis:
        found += [f"key {key!r}" for key in redis.scan_iter(match=f"*{run}*")]
    return found
