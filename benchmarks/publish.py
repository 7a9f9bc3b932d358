"""`publish`: our confirmed batches, beside rstream's own raw confirmed batches in the same run."""

from __future__ import annotations

import asyncio
import time

from rstream import Producer, RawMessage

from benchmarks.environment import Bench
from benchmarks.events import lives
from benchmarks.result import Result, medians
from pipelines.engine.transport import Message, SuperStreamPublisher, encode
from pipelines.engine.transport.address import Address
from schemas.streams import partition_of

EVENTS = 100_000
RUNS = 5
_BATCH = 10_000


async def publish(bench: Bench) -> Result:
    """Events of about 500 bytes to eight partitions, from in memory to confirmed."""
    messages = lives(EVENTS, duplicates=0)
    runs = []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment() as run:
            ours = await _ours(run.settings.stream_url, messages)
            theirs = await _rstream(run.settings.stream_url, messages)
        runs.append((len(messages) / ours, len(messages) / theirs))
    value, limit = medians(runs)
    conditions = {"events": len(messages), "bytes": bench.mean_bytes(messages), "partitions": 8, "runs": len(runs)}
    return Result("publish", value, "events/s", limit, "rstream send_batch of raw bytes, confirmed", False, conditions)


async def _ours(url: str, messages: list[Message]) -> float:
    async with SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish(messages[:100])
        started = time.perf_counter()
        for start in range(0, len(messages), _BATCH):
            await publisher.publish(messages[start : start + _BATCH])
        return time.perf_counter() - started


async def _rstream(url: str, messages: list[Message]) -> float:
    address = Address.parse(url)
    by_stream: dict[str, list[bytes]] = {}
    for message in messages:
        stream = f"orders-{partition_of(message.subject, 8)}"
        by_stream.setdefault(stream, []).append(encode(message.body, message.message_id))
    confirmed, wanted, done = 0, len(by_stream), asyncio.Event()

    async def on_confirm(_: object) -> None:
        nonlocal confirmed
        confirmed += 1
        if confirmed == wanted:
            done.set()

    async with Producer(
        address.host, address.port, username=address.user, password=address.password, vhost=address.vhost
    ) as producer:
        for stream, bodies in by_stream.items():  # so that it is connected, as ours is
            await producer.send_batch(stream, [RawMessage(bodies[0])], on_publish_confirm=on_confirm)
        await done.wait()
        confirmed, wanted = 0, len(messages)
        done.clear()
        started = time.perf_counter()
        for stream, bodies in by_stream.items():
            for start in range(0, len(bodies), 1000):
                batch = [RawMessage(body) for body in bodies[start : start + 1000]]
                await producer.send_batch(stream, batch, on_publish_confirm=on_confirm)
        await done.wait()
        return time.perf_counter() - started
