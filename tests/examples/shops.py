"""The example shops as processes, each in its language, with the outbox in the database they use."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from pipelines.engine.transport import body_of, end_offset, read_stream
from schemas.streams import partition_name
from tests.support.runs import Run
from tests.support.waiting import until

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PYTHON_COMMAND = (
    sys.executable, "-m", "uvicorn", "shop:app", "--app-dir", str(EXAMPLES / "shop"), "--port", "0",
)  # fmt: skip


def node_program(name: str, folder: Path) -> Path:
    """Install the example of this name into `folder` and return where; where that cannot be done, skip locally and fail
    in CI."""
    place = folder / name
    shutil.copytree(EXAMPLES / name, place, ignore=shutil.ignore_patterns("node_modules"))
    try:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"no Node with npm, or no registry: {getattr(error, 'stderr', error)}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return place


class ShopProcess:
    """A running shop, and a client of it. It may be killed, and started again."""

    def __init__(self, command: Sequence[str], dsn: str, log: Path) -> None:
        self._command = command
        self._environment = {**os.environ, "DATABASE_URL": dsn, "PORT": "0"}
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self.client = httpx.AsyncClient(trust_env=False, timeout=20)

    async def start(self) -> None:
        """Start it, and return when it answers."""
        said_before = self._log.stat().st_size if self._log.exists() else 0
        child = self._start()

        async def address() -> str | None:
            assert child.poll() is None, self._log.read_text()
            found = re.search(r"(?:running|listening) on (http://\S+)", self._log.read_text()[said_before:])
            return found.group(1) if found else None

        self.client.base_url = httpx.URL(str(await until(address, "the shop to open")))

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        return self._child

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    async def close(self) -> None:
        """End it, as a deploy would."""
        await self.client.aclose()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                await asyncio.to_thread(self._child.wait, 20)
            finally:
                self._child.kill()

    async def place(self, key: str, customer: str = "c-7", **headers: str) -> httpx.Response:
        """Place an order."""
        return await self.client.post(
            "/orders", json={"customer_id": customer}, headers={"idempotency-key": key, **headers}
        )

    async def submit(self, order_id: str) -> httpx.Response:
        """Submit an order."""
        items = [{"item_id": "gear-40", "quantity": 3}]
        return await self.client.post(f"/orders/{order_id}/submission", json={"items": items})


@asynccontextmanager
async def open_shop(command: Sequence[str], dsn: str, log: Path) -> AsyncIterator[ShopProcess]:
    """Run a shop for as long as the block lasts."""
    shop = ShopProcess(command, dsn, log)
    try:
        await shop.start()
        yield shop
    finally:
        await shop.close()


async def stream_of(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Return each order's events, in stream order."""
    settings = run.settings
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for partition in range(settings.partitions):
        stream = partition_name(settings.super_stream, partition)
        end = await end_offset(settings.stream_url, stream)
        async for chunk in read_stream(settings.stream_url, stream, 0, end):
            for record in chunk.records:
                event = orjson.loads(body_of(record))
                found[event["subject"]].append(event)
    return dict(found)
