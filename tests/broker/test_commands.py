"""FastStream's own command line on an application of ours."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from pipelines.engine.broker import StreamBroker
from tests.support.waiting import until

APPLICATION = """
import os

from faststream import FastStream

from pipelines.engine.broker import Offset, StreamBroker

broker = StreamBroker(os.environ["STREAM_URL"])
app = FastStream(broker)


@broker.subscriber(os.environ["STREAM"], offset=Offset.first())
async def handle(body: int) -> None:
    print("handled", body, flush=True)
"""


async def test_faststream_run_serves_until_told_to_stop(url: str, stream: str, tmp_path: Path) -> None:
    process = await _command(tmp_path, url, stream, "run", "own_application:app")
    assert process.stdout is not None
    broker = StreamBroker(url)
    await broker.publish(7, stream)
    await broker.stop()
    async with asyncio.timeout(60):
        while b"handled 7" not in (line := await process.stdout.readline()):
            assert line, "it ended before it handled anything"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_faststream_docs_writes_the_document(url: str, stream: str, tmp_path: Path) -> None:
    process = await _command(tmp_path, url, stream, "docs", "gen", "own_application:app", "--out", "asyncapi.json")
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()

    async def written() -> bool:
        return f"RabbitMQ stream `{stream}`" in (tmp_path / "asyncapi.json").read_text()

    await until(written, "the document", seconds=5)


async def _command(folder: Path, url: str, stream: str, *arguments: str) -> asyncio.subprocess.Process:
    (folder / "own_application.py").write_text(APPLICATION)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "STREAM_URL": url, "STREAM": stream, "PYTHONPATH": f"{folder}:{root}"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "faststream",
        *arguments,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
