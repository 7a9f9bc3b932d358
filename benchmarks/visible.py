"""`visible`: from the broker's confirm to readable on the board, under a steady load.

Beside it, the bare stream: from the confirm to a plain reader that has the same message in hand.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from statistics import quantiles

import httpx

from benchmarks.board import board
from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.processor import processors, until_done
from benchmarks.result import Result, medians
from pipelines.engine.transport import Message, SuperStreamPublisher, body_of, read_stream

RATE = 5000
SECONDS = 15
RUNS = 3


async def visible(bench: Bench) -> Result:
    """Median delay in milliseconds at 5,000 events a second; processor and board are processes of their own."""
    runs, tails = [], []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            samples, bare = await _measure(run)
        runs.append((quantiles(samples, n=100)[49], quantiles(bare, n=100)[49]))
        tails.append(quantiles(samples, n=100)[98])
    value, limit = medians(runs)
    conditions = {"rate": RATE, "seconds": SECONDS, "runs": len(runs), "p50_ms": value, "p99_ms": max(tails)}
    return Result("visible", value, "ms", limit, "the bare stream: confirm to a plain reader", True, conditions)


async def _measure(run: BenchRun) -> tuple[list[float], list[float]]:
    bare_seen: dict[str, float] = {}
    readers = [asyncio.create_task(_read(run, partition, bare_seen)) for partition in range(8)]
    try:
        async with (
            processors(run) as pids,
            board(run) as address,
            SuperStreamPublisher(run.settings.stream_url, "orders") as publisher,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            warm = lives(1000, seed=2, duplicates=0)
            await publisher.publish(warm)
            await until_done(run, pids, len(warm))
            return await _load(publisher, client, bare_seen)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)


async def _load(
    publisher: SuperStreamPublisher, client: httpx.AsyncClient, bare_seen: dict[str, float]
) -> tuple[list[float], list[float]]:
    messages = lives(RATE * SECONDS, duplicates=0, seed=3)
    tick = RATE // 50
    samples: list[float] = []
    confirmed_at: dict[str, float] = {}
    probes: set[asyncio.Task[None]] = set()
    started = time.perf_counter()
    for number, begin in enumerate(range(0, len(messages), tick)):
        part = messages[begin : begin + tick]
        await publisher.publish(part)
        confirmed = time.perf_counter()
        confirmed_at[part[-1].message_id] = confirmed
        if number % 10 == 0:
            probes.add(asyncio.create_task(_probe(client, part[-1], confirmed, samples)))
        await asyncio.sleep(max(0.0, started + (number + 1) / 50 - time.perf_counter()))
    await asyncio.gather(*probes)
    bare = [(bare_seen[key] - at) * 1000 for key, at in confirmed_at.items() if key in bare_seen]
    # A reader often has the message before its publisher has the confirm; that counts as a millisecond.
    return samples, [max(1.0, delay) for delay in bare]


async def _probe(client: httpx.AsyncClient, message: Message, confirmed: float, samples: list[float]) -> None:
    for _ in itertools.count():
        answer = await client.get(f"/api/orders/{message.subject}")
        if answer.status_code == 200 and any(e["event_id"] == message.message_id for e in answer.json()["timeline"]):
            samples.append((time.perf_counter() - confirmed) * 1000)
            return
        await asyncio.sleep(0.002)


async def _read(run: BenchRun, partition: int, seen: dict[str, float]) -> None:
    with suppress(asyncio.CancelledError):
        async for chunk in read_stream(run.settings.stream_url, f"orders-{partition}", 0):
            now = time.perf_counter()
            for record in chunk.records:
                body = body_of(record)
                start = body.index(b'"id":"') + 6
                seen.setdefault(body[start : body.index(b'"', start)].decode(), now)
