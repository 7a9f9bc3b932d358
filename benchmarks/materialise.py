"""`materialise`: stream to committed ledger, views, timeline and checkpoint; beside the database's half alone."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg

from benchmarks.environment import Bench, BenchRun
from benchmarks.history import History
from benchmarks.processor import processors, until_done
from benchmarks.recording import Call, Recording, replay
from benchmarks.result import Result, medians
from pipelines.engine.instance.batch import decide, remember, take_effect
from pipelines.engine.instance.intake import take_in
from pipelines.engine.instance.memory import Memory
from pipelines.engine.stores import checkpoints, ledger
from pipelines.engine.stores.checkpoints import Claim
from pipelines.engine.stores.postgres import BY_KEY, connect
from pipelines.engine.transport import Batch, Chunk, Message, SuperStreamPublisher, encode
from pipelines.flows.views.projection import Views
from schemas.streams import partition_of
from schemas.views import OrderState

EVENTS = 300_000
RUNS = 3

WHOLE = History(ledger_rows=60_000_000, open_orders=1_000_000)
QUICK = History(ledger_rows=2_400_000, open_orders=300_000)

PARTITIONS = 8


async def materialise(bench: Bench) -> Result:
    """One processor reads a backlog of eight partitions to its end, over a ledger that has a past."""
    history = QUICK if bench.quick else WHOLE
    messages = history.next_events(EVENTS // 3 if bench.quick else EVENTS)
    runs, cpu = [], 0.0
    for _ in range(bench.runs(RUNS)):
        async with bench.environment(history) as run:
            speed, cpu = await pipeline(run, messages)
        async with bench.environment(history) as run:
            recorded = await _record(run, messages)
        async with bench.environment(history) as run:
            half = await _database_alone(run, recorded)
        runs.append((speed, len(messages) / half))
    value, limit = medians(runs)
    conditions = {
        "events": len(messages),
        "bytes": bench.mean_bytes(messages),
        "duplicates": "5%",
        "ledger_rows_at_start": history.ledger_rows,
        "open_orders_at_start": history.open_orders,
        "orders_drawn": "at random, each event another order's",
        "processor_cpu_us_per_event": round(cpu * 1e6, 1),
        "checkpoint_inside": True,
        "runs": len(runs),
        "durability": "fsync, synchronous_commit, full_page_writes and autovacuum on",
    }
    limit_is = "the batches' statements alone, their arguments in memory, partitions concurrently"
    return Result("materialise", value, "events/s", limit, limit_is, False, conditions)


async def publish_all(run: BenchRun, messages: list[Message]) -> None:
    """Fill the stream."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(0, len(messages), 10_000):
            await publisher.publish(messages[start : start + 10_000])


async def pipeline(run: BenchRun, messages: list[Message]) -> tuple[float, float]:
    """Return events a second and the processor's CPU seconds an event, from the first commit to the last."""
    await publish_all(run, messages)
    async with processors(run) as pids:
        checkpoint = asyncio.create_task(_checkpoint_soon(run))
        first, last = await until_done(run, pids, len(messages))
        await checkpoint
    events = last.events - first.events
    return events / (last.at - first.at), (last.cpu - first.cpu) / events


async def _record(run: BenchRun, messages: list[Message]) -> dict[int, list[list[Call]]]:
    """Return what each partition's batches ask of the database."""
    partitions: dict[int, list[bytes]] = {}
    for message in messages:
        home = partition_of(message.subject, PARTITIONS)
        partitions.setdefault(home, []).append(encode(message.body, message.message_id))
    views, now, size = Views(), datetime.now(UTC), run.settings.batch_events
    recorded: dict[int, list[list[Call]]] = {}
    connection = await _connected(run)
    for partition, records in partitions.items():
        held = await checkpoints.claim(connection, partition, "bench")
        memory: Memory[OrderState] = Memory()
        recorded[partition] = []
        for start in range(0, len(records), size):
            batch = Batch(partition, start, [Chunk(partition, start, now, records[start : start + size])])
            good, bad = await take_in(batch, views.parse, PARTITIONS)
            recording: Any = Recording(connection)
            decision = await decide(recording, views, partition, good, bad, memory)
            await take_effect(recording, views, held, batch, decision)
            remember(memory, decision)
            held = Claim(partition, held.epoch, batch.end_offset)
            recorded[partition].append(recording.calls)
    await connection.close()
    return recorded


async def _database_alone(run: BenchRun, recorded: dict[int, list[list[Call]]]) -> float:
    """Return the seconds all of it takes, partitions side by side."""

    async def ask_all(partition: int) -> None:
        connection = await _connected(run)
        await checkpoints.claim(connection, partition, "bench")
        await replay(connection, recorded[partition])
        await connection.close()

    checkpoint = asyncio.create_task(_checkpoint_soon(run))
    started = time.perf_counter()
    await asyncio.gather(*(ask_all(partition) for partition in recorded))
    seconds = time.perf_counter() - started
    await checkpoint
    return seconds


async def _connected(run: BenchRun) -> asyncpg.Connection:
    """Return a connection such as an owner has."""
    row_types = (*ledger.ROW_TYPES, *Views.row_types)
    return await connect(run.settings.postgres_dsn, "views_v1", planning=BY_KEY, row_types=row_types)


async def _checkpoint_soon(run: BenchRun) -> None:
    """Make PostgreSQL write a checkpoint inside the run: its cost belongs to the figure."""
    await asyncio.sleep(2)
    connection = await connect(run.settings.postgres_dsn)
    await connection.execute("CHECKPOINT", timeout=600)
    await connection.close()
