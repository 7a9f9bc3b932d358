"""The board as its users run it: a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.environment import BenchRun

_ADDRESS = b"board: "
_VARIABLES = {"WARREN_BOARD_PORT": "0", "WARREN_BOARD_SIGN_IN": "off", "PYTHONUNBUFFERED": "1"}


@asynccontextmanager
async def board(run: BenchRun) -> AsyncIterator[str]:
    """Run a board and give its address; stop it afterwards."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from cli.main import main; main()",
        "board",
        env={**os.environ, **run.variables, **_VARIABLES},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert child.stdout is not None
    try:
        async for line in child.stdout:
            if line.startswith(_ADDRESS):
                yield line.removeprefix(_ADDRESS).decode().strip()
                return
        raise RuntimeError("the board ended before it listened")
    finally:
        child.terminate()
        await child.wait()
