"""docs/publishing.md, followed word for word: every block of it is run, in order, and what it says comes true."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import mmh3
import orjson
import pytest

from pipelines.engine.transport.amqp import encode
from schemas.orders import parse
from schemas.streams import partition_of
from tests.examples.shops import EXAMPLES, stream_of
from tests.outbox.relaying import until_confirmed
from tests.support.runs import Run

PAGE = (EXAMPLES.parent / "publishing.md").read_text(encoding="utf-8")
BLOCKS = [
    (kind.strip(), text) for kind, text in re.findall(r"^```([^\n]+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]


def block(kind: str) -> str:
    """The only block of its kind."""
    found: list[str] = [text for name, text in BLOCKS if name == kind]
    assert len(found) == 1
    return found[0]


class Reader:
    """Somebody who reads the page, with a database of the shop's, a role for its service and two terminals."""

    def __init__(self, run: Run, service: str, folder: Path) -> None:
        self._owner, self._role, self._folder = run.settings.postgres_dsn, service, folder
        place = urlsplit(self._owner)
        self.service = place._replace(netloc=f"{service}@{place.hostname}:{place.port}").geturl()
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"SHOP_OWNER": self._owner, "SHOP": self.service, "PATH": tools}
        self._environment = {**os.environ, **run.environment(), **own}

    async def sql(self, who: str, text: str) -> list[asyncpg.Record]:
        """Do what psql does, as `owner` or as the `service`; return the last statement's rows."""
        owner = who == "owner"
        # The owner here is called as a schema is: its tables would come into that.
        path = {"search_path": "public"}
        connection = await asyncpg.connect(self._owner if owner else self.service, server_settings=path)
        try:
            *before, last = [
                part for part in re.sub(r"\bTO shop;", f"TO {self._role};", text).split(";") if part.strip()
            ]
            for statement in before:
                await connection.execute(statement)
            return list(await connection.fetch(last))
        finally:
            await connection.close()

    async def shell(self, text: str) -> str:
        """Type this in the first terminal, and return what is printed."""
        return await self._run("bash", "-euc", text)

    async def python(self, text: str) -> str:
        """Run this program."""
        program = self._folder / "program.py"
        program.write_text(text)
        return await self._run(sys.executable, str(program))

    async def _run(self, *command: str) -> str:
        child = await asyncio.create_subprocess_exec(
            *command, env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complained = await child.communicate()
        assert child.returncode == 0, complained.decode()
        return said.decode()

    @asynccontextmanager
    async def second_terminal(self, text: str) -> AsyncIterator[None]:
        """Leave this running."""
        with (self._folder / "relay.log").open("wb") as log:
            child = await asyncio.create_subprocess_exec(
                "bash", "-euc", f"exec {text}", env=self._environment, stdout=log, stderr=log
            )
            try:
                yield
            finally:
                child.terminate()
                assert await child.wait() == 0, (self._folder / "relay.log").read_text()


@pytest.fixture
async def reader(run: Run, tmp_path: Path) -> AsyncIterator[Reader]:
    """A reader with a role for the service, which may nothing at first."""
    role = f"service_{urlsplit(run.settings.postgres_dsn).path[1:]}"
    owner = await run.connect()
    await owner.execute(f"CREATE ROLE {role} LOGIN")
    yield Reader(run, role, tmp_path)
    await owner.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
    await owner.close()


async def test_the_outbox_is_used_as_the_page_says(reader: Reader, run: Run) -> None:
    steps = iter(BLOCKS)

    def next_block(kind: str) -> str:
        name, text = next(steps)
        assert name == kind
        return str(text)

    assert "/shop" in await reader.shell(next_block("sh"))
    await reader.sql("owner", next_block("sql owner"))
    await reader.sql("service", next_block("sql service"))
    (submitted,) = await reader.sql("service", next_block("sql service"))
    assert submitted["publish"] == "submitted-S-1001"
    waiting = await reader.sql("service", next_block("sql service"))
    assert [row["type"] for row in waiting] == ["order.initiated.v1", "order.submitted.v1"]
    async with reader.second_terminal(next_block("sh relay")):
        connection = await run.connect()
        await until_confirmed(connection)
        await connection.close()
        said = (await reader.shell(next_block("sh"))).splitlines()
    events = [orjson.loads(line)["event"] for line in said if line.startswith("{")]
    assert [event["type"] for event in events] == ["order.initiated.v1", "order.submitted.v1"]
    assert events[1]["id"] == "submitted-S-1001"
    assert "0 events wait" in said[-1]


async def test_the_program_in_python_publishes_as_it_says(reader: Reader, run: Run) -> None:
    assert await reader.python(block("python")) == "100 events are confirmed\n"
    stream = await stream_of(run)
    assert set(stream) == {f"S-{number}" for number in range(2001, 2101)}
    assert {len(events) for events in stream.values()} == {1}


def test_the_message_is_the_one_we_write() -> None:
    event = block("json").strip().encode()
    lines = [re.match(r"(?:[0-9a-f]{2}(?: |$))+", line) for line in block("text").splitlines()]
    written = bytes.fromhex("".join(line.group() for line in lines if line is not None))
    assert written == encode(event, "7c1e")
    assert f"in {len(written)} bytes, to `orders-{partition_of(parse(event).event.subject, 8)}`" in PAGE


def test_the_hashes_are_ours() -> None:
    rows = re.findall(r"\| `(\S+)` \| (\d+) \| (\d) \|", PAGE)
    assert len(rows) == 4
    for order_id, value, partition in rows:
        assert int(value) == mmh3.hash(order_id.encode(), 104729, signed=False)
        assert int(partition) == partition_of(order_id, 8)
