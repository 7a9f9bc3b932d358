"""`visible`: from the broker's confirm to readable on the board, under a steady load.

Beside it, the least it could take: one row committed in PostgreSQL, then one key set in Redis.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median, quantiles

import httpx
from redis.asyncio import Redis

from benchmarks.board import board
from benchmarks.environment import Bench, BenchRun
from benchmarks.events import lives
from benchmarks.processor import processors, until_done
from benchmarks.result import Result, medians
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Message, SuperStreamPublisher

RATE = 5000
SECONDS = 20
WARM_SECONDS = 2
RUNS = 3

LOOK_MS = 5
"""How often a sample is looked for: looking costs the machine, too."""


async def visible(bench: Bench) -> Result:
    """Median delay in milliseconds at 5,000 events a second; processor and board are processes of their own."""
    runs, tails, rates = [], [], []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            least = await _least(run)
            samples, rate = await _measure(run)
        runs.append((median(samples), least))
        tails.append(quantiles(samples, n=100)[98])
        rates.append(rate)
    value, limit = medians(runs)
    conditions = {
        "rate_wanted": RATE, "rates": [round(rate) for rate in rates], "seconds": SECONDS, "runs": len(runs),
        "p50_ms": value, "p99_ms": median(tails), "looked_every_ms": LOOK_MS,
    }  # fmt: skip
    return Result("visible", value, "ms", limit, "a row committed, then a key set, with nothing else", True, conditions)


async def _least(run: BenchRun) -> float:
    connection = await connect(run.settings.postgres_dsn)
    await connection.execute("CREATE TABLE bare (number integer)")
    taken = []
    async with Redis.from_url(run.settings.redis_url) as redis:
        for number in range(300):
            started = time.perf_counter()
            await connection.execute("INSERT INTO bare VALUES ($1)", number)
            await redis.set(f"{run.settings.redis_prefix}bare", number)
            taken.append((time.perf_counter() - started) * 1000)
    await connection.close()
    return median(taken)


async def _measure(run: BenchRun) -> tuple[list[float], float]:
    async with (
        processors(run) as pids,
        board(run) as address,
        SuperStreamPublisher(run.settings.stream_url, "orders") as publisher,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        messages = lives(RATE * (WARM_SECONDS + SECONDS), duplicates=0, seed=3)
        warm = RATE * WARM_SECONDS
        await _load(publisher, client, messages[:warm])
        await until_done(run, pids, warm)
        return await _load(publisher, client, messages[warm:])


async def _load(
    publisher: SuperStreamPublisher, client: httpx.AsyncClient, messages: list[Message]
) -> tuple[list[float], float]:
    """Publish at the rate; return how long the samples among them took to be readable, in ms, and the rate kept."""
    tick = RATE // 50
    samples: list[float] = []
    probes: set[asyncio.Task[None]] = set()
    started = time.perf_counter()
    for number, begin in enumerate(range(0, len(messages), tick)):
        part = messages[begin : begin + tick]
        await publisher.publish(part)
        if number % 10 == 0:
            probes.add(asyncio.create_task(_probe(client, part[-1], time.perf_counter(), samples)))
        await asyncio.sleep(max(0.0, started + (number + 1) / 50 - time.perf_counter()))
    rate = len(messages) / (time.perf_counter() - started)
    await asyncio.gather(*probes)
    return samples, rate


async def _probe(client: httpx.AsyncClient, message: Message, confirmed: float, samples: list[float]) -> None:
    while True:
        answer = await client.get(f"/api/orders/{message.subject}")
        if answer.status_code == 200 and any(e["event_id"] == message.message_id for e in answer.json()["timeline"]):
            samples.append((time.perf_counter() - confirmed) * 1000)
            return
        await asyncio.sleep(LOOK_MS / 1000)
