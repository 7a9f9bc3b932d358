"""Stopping: again and again, under load, at any moment; nothing hangs and nothing is left behind."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx

from pipelines.engine.transport import Batch, Message, SuperStreamPublisher, read_stream
from schemas.errors import StreamError, Unconfirmed
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, member, publish


async def connections(run: Run) -> int:
    """How many stream connections the broker has in the run's virtual host."""
    url = urlsplit(run.addresses.management_url)
    vhost = urlsplit(run.settings.stream_url).path[1:]
    async with httpx.AsyncClient(auth=(url.username or "", url.password or ""), trust_env=False) as client:
        answer = await client.get(f"http://{url.netloc.rpartition('@')[2]}/api/stream/connections/{vhost}")
    return len(answer.raise_for_status().json())


async def nothing_left(run: Run, before: set[asyncio.Task[object]]) -> None:
    """Wait until no task and no connection is left that was not there before."""

    async def gone() -> bool:
        return not (asyncio.all_tasks() - before) and await connections(run) == 0

    await until(gone, "all tasks and connections to end")


async def test_consumers_stopped_at_any_moment_leave_nothing_behind(run: Run) -> None:
    """A trap was a stop that waited for ever, as a time limit had swallowed the cancellation."""
    before = asyncio.all_tasks()
    await publish(run, 0, 500, at_once=5)
    positions = MemoryPositions()
    collector = Collector(positions)

    async def handle(batch: Batch) -> None:
        await asyncio.sleep(0)
        await collector(batch)

    async def load() -> None:
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            while True:
                await publisher.publish_to(0, [Message("x", b".", "id", "t")] * 10)

    loading = asyncio.create_task(load())
    for turn in range(60):
        consumer = member(run.settings.stream_url, "orders", positions, records=10)
        task = asyncio.create_task(consumer.run(handle))
        for _ in range(turn * turn):  # from before it is connected to in the midst of its work
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=30)
        assert done, f"turn {turn} did not stop"
        assert task.cancelled()
        assert not consumer.joined
        assert not consumer.active
    loading.cancel()
    await asyncio.wait({loading})
    assert collector.records, "no turn came as far as a batch"
    assert collector.offsets == list(range(len(collector.offsets)))
    await nothing_left(run, before)


async def test_publishers_stopped_at_any_moment_leave_nothing_behind(run: Run) -> None:
    before = asyncio.all_tasks()

    async def publishing() -> None:
        async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
            while True:
                await publisher.publish([Message(f"{n}", b"." * 500, f"{n}", "t") for n in range(2000)])

    for turn in range(40):
        task = asyncio.create_task(publishing())
        for _ in range(turn * turn):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=30)
        assert done, f"turn {turn} did not stop"
    await nothing_left(run, before)


async def test_closing_a_publisher_ends_calls_under_way(run: Run) -> None:
    before = asyncio.all_tasks()
    publisher = SuperStreamPublisher(run.settings.stream_url, "orders")
    async with publisher:
        await publisher.publish([Message("x", b".", "id", "t")])
        calls = [asyncio.create_task(publisher.publish([Message("x", b"." * 500, "id", "t")] * 5000)) for _ in range(5)]
        await asyncio.sleep(0)
    results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30)
    assert all(result is None or isinstance(result, Unconfirmed) for result in results)
    await publisher.__aexit__(None, None, None)
    await nothing_left(run, before)


async def test_readers_left_in_the_middle_leave_nothing_behind(run: Run) -> None:
    before = asyncio.all_tasks()
    await publish(run, 0, 200, at_once=5)
    for turn in range(10):
        chunks = read_stream(run.settings.stream_url, "orders-0", 0)
        seen = 0
        async for chunk in chunks:
            seen += len(chunk.records)
            if seen > 15 * turn:
                break
        await chunks.aclose()
    await nothing_left(run, before)


async def test_a_failed_release_still_closes_the_connection(run: Run) -> None:
    before = asyncio.all_tasks()

    class Failing(MemoryPositions):
        async def release(self, partition: int) -> None:
            raise StreamError(f"partition {partition} is not released")

    consumer = member(run.settings.stream_url, "orders", Failing())
    task = asyncio.create_task(consumer.run(Collector(MemoryPositions())))

    async def joined() -> bool:
        return consumer.joined

    await until(joined, "the member to join")
    task.cancel()
    await asyncio.wait({task})
    assert isinstance(task.exception(), StreamError)
    await nothing_left(run, before)
