"""`materialise`: stream to committed ledger, views, timeline and checkpoint; beside the database's half alone."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.result import Result, medians
from pipelines.engine.instance.batch import decide
from pipelines.engine.instance.intake import take_in
from pipelines.engine.stores import checkpoints
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Batch, Chunk, Message, SuperStreamPublisher, encode
from pipelines.flows.application import build
from pipelines.flows.declared import flow_named
from pipelines.flows.views.projection import Views
from schemas.streams import partition_of

EVENTS = 100_000
RUNS = 3


async def materialise(bench: Bench) -> Result:
    """One processor reads a backlog of eight partitions to its end."""
    messages = lives(EVENTS)
    runs = []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            whole = await _pipeline(run, messages)
        async with bench.environment() as run:
            half = await _database_alone(run, messages)
        runs.append((len(messages) / whole, len(messages) / half))
    value, limit = medians(runs)
    conditions = {
        "events": len(messages),
        "bytes": bench.mean_bytes(messages),
        "duplicates": "5%",
        "ledger_rows_at_start": 0,
        "runs": len(runs),
        "durability": "fsync, synchronous_commit, full_page_writes and autovacuum on",
    }
    limit_is = "the batch transactions alone, events parsed and in memory, partitions concurrently"
    return Result("materialise", value, "events/s", limit, limit_is, False, conditions)


async def _pipeline(run: BenchRun, messages: list[Message]) -> float:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(0, len(messages), 10_000):
            await publisher.publish(messages[start : start + 10_000])
    running = await build(flow_named("views@1"), run.settings)
    connection = await connect(run.settings.postgres_dsn, "views_v1")
    started = time.perf_counter()
    await running.app.start()
    try:
        while True:
            done = await connection.fetchval("SELECT coalesce(sum(next_offset), 0) FROM checkpoint")
            if done >= len(messages):
                return time.perf_counter() - started
            await asyncio.sleep(0.02)
    finally:
        await running.app.stop()
        await connection.close()


async def _database_alone(run: BenchRun, messages: list[Message]) -> float:
    partitions: dict[int, list[bytes]] = {}
    for message in messages:
        home = partition_of(message.subject, 8)
        partitions.setdefault(home, []).append(encode(message.body, message.message_id))
    views, now, size = Views(), datetime.now(UTC), run.settings.batch_events
    prepared = {}
    for partition, records in partitions.items():
        batches = [
            Batch(partition, start, [Chunk(partition, start, now, records[start : start + size])])
            for start in range(0, len(records), size)
        ]
        prepared[partition] = [(batch, *take_in(batch, views.parse, 8)) for batch in batches]

    async def commit_all(partition: int) -> None:
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        held = await checkpoints.claim(connection, partition, "bench")
        for batch, good, bad in prepared[partition]:
            async with connection.transaction():
                await decide(connection, views, held, batch, good, bad)
        await connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(commit_all(partition) for partition in prepared))
    return time.perf_counter() - started
