"""`outbox`: from committed rows to confirmed events, beside the bare publisher with the same messages."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median, quantiles
from tempfile import TemporaryFile

import asyncpg
import orjson

from benchmarks.environment import Bench, BenchRun
from benchmarks.outbox_writers import WRITERS
from benchmarks.processor import cpu_seconds
from benchmarks.result import Result, medians
from pipelines.edges.outbox import relay as relay_module
from pipelines.edges.outbox.assignment import Batch
from pipelines.edges.outbox.claim import Claim
from pipelines.edges.outbox.installation import install
from pipelines.engine.transport import Message, SuperStreamPublisher

EVENTS = 200_000
TOGETHER = 10
RUNS = 3
PACED, PACED_SECONDS = 1000, 20
IDLE_SECONDS = 20

_BATCH = 10_000
_BEGUN = "SELECT EXISTS (SELECT FROM warren_outbox.batch)"
_DONE = "SELECT NOT EXISTS (SELECT FROM warren_outbox.pending)"
_ROWS = "SELECT count(*) FROM warren_outbox.event"


async def outbox(bench: Bench) -> Result:
    """Rows committed by eight writers, ten events a transaction, published while they are written and afterwards.

    Value: a backlog they have committed, from the relay's first batch to all confirmed. `live_events_per_second`:
    writers and relay at once, first commit to last confirm, on the same two cores.
    """
    drained, live = [], []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            await install(run.settings.postgres_dsn, "/shop")
            await _write(run, EVENTS, 0)
            async with asyncpg.create_pool(run.settings.postgres_dsn, min_size=1, max_size=1) as pool:
                messages = [
                    Message(row["subject"], row["body"].encode(), row["id"], row["type"])
                    for row in await pool.fetch("SELECT subject, body, id, type FROM warren_outbox.event ORDER BY seq")
                ]
            ours, cpu = await _drain(run)
        async with bench.environment() as run:
            theirs = await _bare(run, messages)
        async with bench.environment() as run:
            await install(run.settings.postgres_dsn, "/shop")
            live.append(await _live(run))
        drained.append((EVENTS / ours, EVENTS / theirs))
    value, limit = medians(drained)
    async with bench.environment() as run:
        await install(run.settings.postgres_dsn, "/shop")
        late = await _paced(run)
    async with bench.environment() as run:
        await install(run.settings.postgres_dsn, "/shop")
        idle = await _idle(run)
    conditions = {
        "events": EVENTS,
        "bytes": bench.mean_bytes(messages),
        "writers": WRITERS,
        "events_a_transaction": TOGETHER,
        "runs": len(drained),
        "relay_cpu_us_per_event": round(cpu / EVENTS * 1e6, 1),
        "live_events_per_second": round(median(live), 1),
        "paced_events_per_second": PACED,
        "commit_to_confirmed_ms_p50": round(median(late) * 1000, 1),
        "commit_to_confirmed_ms_p99": round(quantiles(late, n=100)[98] * 1000, 1),
        "idle_cpu_percent": round(100 * idle, 2),
    }
    return Result("outbox", value, "events/s", limit, "the same messages by the bare publisher", False, conditions)


async def _write(run: BenchRun, count: int, rate: float, together: int = TOGETHER) -> list[tuple[float, list[str]]]:
    with TemporaryFile() as printed:  # of megabytes in a pipe the event loop lost some when the process ended
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.outbox_writers", run.settings.postgres_dsn, str(count), str(together),
            str(rate), stdin=asyncio.subprocess.DEVNULL, stdout=printed,
        )  # fmt: skip
        assert await process.wait() == 0, "the writers failed"
        printed.seek(0)
        commits: list[tuple[float, list[str]]] = orjson.loads(printed.read())
    return commits


@asynccontextmanager
async def _relay(run: BenchRun) -> AsyncIterator[int]:
    """Run a relay as its users do; give its process id."""
    command = [sys.executable, "-c", "from cli.main import main; main()", "outbox", "relay"]
    environment = {**os.environ, **run.variables, "WARREN_OUTBOX_DSN": run.settings.postgres_dsn}
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        await child.wait()


async def _drain(run: BenchRun) -> tuple[float, float]:
    """Return the seconds from the relay's first batch to the last confirm, and its CPU seconds in them."""
    connection = await asyncpg.connect(run.settings.postgres_dsn)
    async with _relay(run) as pid:
        await _until(connection, _BEGUN)
        started, used = time.perf_counter(), cpu_seconds(pid)
        await _until(connection, _DONE)
        result = time.perf_counter() - started, cpu_seconds(pid) - used
    await connection.close()
    return result


async def _until(connection: asyncpg.Connection, question: str) -> None:
    while True:
        if await connection.fetchval(question):
            return
        await asyncio.sleep(0.005)


async def _bare(run: BenchRun, messages: list[Message]) -> float:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages[:100])
        started = time.perf_counter()
        for start in range(0, len(messages), _BATCH):
            await publisher.publish(messages[start : start + _BATCH])
        return time.perf_counter() - started


async def _live(run: BenchRun) -> float:
    """Return the events a second, first commit to last confirm, with writers and relay at work at once."""
    connection = await asyncpg.connect(run.settings.postgres_dsn)
    async with _relay(run):
        commits = await _write(run, EVENTS, 0)
        await _until(connection, _DONE)
        ended = time.time()
    assert await connection.fetchval(_ROWS) == EVENTS
    await connection.close()
    return EVENTS / (ended - min(at for at, _ in commits))


async def _paced(run: BenchRun) -> list[float]:
    """Return, for events of transactions of one each at a rate, the seconds from commit to confirm.

    The relay runs in this process, so that it can be seen when it learns of a confirm.
    """
    confirmed: dict[str, float] = {}

    class Watched(relay_module.Relay):
        async def _send(self, batch: Batch, claim: Claim) -> None:
            await super()._send(batch, claim)
            now = time.time()
            confirmed.update((message.message_id, now) for _, message in batch.messages)

    relay = Watched(run.settings, run.settings.postgres_dsn)
    task = asyncio.create_task(relay.run())
    count = PACED * PACED_SECONDS
    commits = await _write(run, count, PACED, together=1)
    while True:
        await asyncio.sleep(0.05)
        if len(confirmed) == count:
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # Now and then the confirm is known before the commit's answer has travelled back.
    return [confirmed[event_id] - at for at, ids in commits for event_id in ids]


async def _idle(run: BenchRun) -> float:
    """Return the share of one core that an idle relay takes."""
    async with _relay(run) as pid:
        connection = await asyncpg.connect(run.settings.postgres_dsn)
        await connection.execute("SELECT warren_outbox.publish('A-1', 'order.note_added.v1')")
        await _until(connection, _DONE)
        await asyncio.sleep(2)
        used, started = cpu_seconds(pid), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu_seconds(pid) - used) / (time.perf_counter() - started)
        await connection.close()
    return share
