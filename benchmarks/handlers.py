"""`batch_handler` and `single_handler`: a FastStream handler that counts, beside our bare chunk reader."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.materialise import publish_all
from benchmarks.result import Result, medians
from pipelines.engine.broker import Offset, StreamBroker, whole_batch
from pipelines.engine.transport import read_stream

EVENTS = 400_000
RUNS = 3


async def batch_handler(bench: Bench) -> Result:
    """Events a second through a handler that counts the records of whole batches."""
    return await _measure(bench, "batch_handler", batch=True)


async def single_handler(bench: Bench) -> Result:
    """Events a second through a handler called with each record's JSON."""
    return await _measure(bench, "single_handler", batch=False)


async def _measure(bench: Bench, name: str, *, batch: bool) -> Result:
    messages = lives(EVENTS // 4 if bench.quick else EVENTS, duplicates=0)
    runs = []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            await publish_all(run, messages)
            handled = await _handled(run, len(messages), batch=batch)
            bare = await _bare(run, len(messages))
        runs.append((len(messages) / handled, len(messages) / bare))
    value, limit = medians(runs)
    conditions = {"events": len(messages), "bytes": bench.mean_bytes(messages), "partitions": 8, "runs": len(runs)}
    return Result(name, value, "events/s", limit, "our bare chunk reader", False, conditions)


async def _handled(run: BenchRun, events: int, *, batch: bool) -> float:
    """Return the seconds from the first record on; joining the stream is not what is measured."""
    broker = StreamBroker(run.settings.stream_url, apply_types=False)
    count, started, done = 0, 0.0, asyncio.Event()
    decoder = whole_batch if batch else None

    @broker.subscriber("orders", batch=batch, offset=Offset.first(), decoder=decoder)
    async def handle(message: Any) -> None:
        nonlocal count, started
        started = started or time.perf_counter()
        count += len(message) if batch else 1
        if count >= events:
            done.set()

    async with broker:
        await broker.start()
        await done.wait()
        return time.perf_counter() - started


async def _bare(run: BenchRun, events: int) -> float:
    count, started, done = 0, 0.0, asyncio.Event()

    async def read(partition: int) -> None:
        nonlocal count, started
        async for chunk in read_stream(run.settings.stream_url, f"orders-{partition}", 0):
            started = started or time.perf_counter()
            count += len(chunk.records)
            if count >= events:
                done.set()

    readers = [asyncio.create_task(read(partition)) for partition in range(8)]
    await done.wait()
    seconds = time.perf_counter() - started
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    return seconds
