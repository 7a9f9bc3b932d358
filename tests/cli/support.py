"""Run the command in a test: inside this process against a run's servers, or as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from cli.main import app
from pipelines.engine.settings import settings
from tests.support.runs import Run

AWAY = {
    "WARREN_STREAM_URL": "rabbitmq-stream://guest:guest@127.0.0.1:1/%2f",
    "WARREN_MANAGEMENT_URL": "http://guest:guest@127.0.0.1:1",
    "WARREN_POSTGRES_DSN": "postgresql://warren@127.0.0.1:1/warren",
    "WARREN_REDIS_URL": "redis://127.0.0.1:1/0",
}
"""Names servers where nobody listens."""

_COMMAND = Path(sys.executable).with_name("warren")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said. `json` reads the last line of stdout."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.stdout.splitlines()[-1])

    @property
    def words(self) -> str:
        """All of stdout, however its lines were broken."""
        return " ".join(self.stdout.split())

    def failed(self, code: int, *said: str) -> None:
        """Check that it ended with `code` and one line on stderr that has these words in it."""
        assert self.code == code, self
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self
        assert lines[0].startswith("warren: "), self
        for words in said:
            assert words in lines[0], self


class Warren:
    """The command, with settings of its own."""

    def __init__(self, environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
        self.environment = dict(environment)
        self._patch = patch

    async def __call__(self, *arguments: str, stdin: bytes | None = None) -> Answer:
        """Run it in this process and wait for its end."""
        for name in [name for name in os.environ if name.startswith("WARREN_")]:
            self._patch.delenv(name)
        for name, value in self.environment.items():
            self._patch.setenv(name, value)
        settings.cache_clear()
        try:
            # In a thread, as the command runs an event loop of its own.
            result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=stdin)
        finally:
            settings.cache_clear()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    @asynccontextmanager
    async def process(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it as a process of its own, with pipes; it is killed where the block leaves it running."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WARREN_")}
        process = await asyncio.create_subprocess_exec(
            str(_COMMAND),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=inherited | self.environment,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def ends(self, *arguments: str, stdin: bytes = b"") -> Answer:
        """Run it as a process of its own and wait for its end."""
        async with self.process(*arguments) as process:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin), 60)
        assert process.returncode is not None
        return Answer(process.returncode, stdout.decode(), stderr.decode())


def environment_of(run: Run) -> dict[str, str]:
    """Return the variables that name a run's servers, and somebody who asks."""
    return run.addresses.as_environment() | {"WARREN_PARTITIONS": str(run.settings.partitions), "USER": "tester"}
