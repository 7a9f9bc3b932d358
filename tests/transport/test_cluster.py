"""Three brokers, one of which dies: its streams get another leader, and publisher and consumer go on there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pipelines.engine.transport import (
    Message,
    PartitionInfo,
    SuperStreamPublisher,
    body_of,
    check_position,
    create_super_stream,
    describe,
    end_offset,
    read_stream,
)
from schemas.errors import StreamError, StreamUnavailable, Unconfirmed
from tests.support.nodes import Node, cluster
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, member

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    with cluster(tmp_path_factory.mktemp("cluster"), 3) as made:
        yield made


async def test_nothing_confirmed_is_lost_when_the_leader_dies(three: list[Node]) -> None:
    """I1. The address names all nodes, so it does not matter which one is gone."""
    await create_super_stream(three[1].url, "orders", 1)  # the node that is asked becomes the leader

    async def replicated() -> PartitionInfo | None:
        (partition,) = await describe(three[1].url, "orders")
        return partition if partition.replicas == 2 else None

    partition = await until(replicated, "two replicas")
    assert partition is not None
    leader = next(node for node in three if partition.leader.endswith(f":{node.ports.stream}"))
    assert leader is not three[0]
    nodes = sorted(three, key=lambda node: node is not leader)
    hosts = ",".join(f"127.0.0.1:{node.ports.stream}" for node in nodes)
    url = f"rabbitmq-stream://guest:guest@{hosts}/%2f"

    positions = MemoryPositions()
    collector = Collector(positions)
    consumer = member(url, "orders", positions)

    async def consume() -> None:
        while True:
            try:
                await consumer.run(collector)
            except StreamUnavailable:
                await asyncio.sleep(0.1)  # as the broker's subscriber does

    confirmed: set[int] = set()

    async def publish(numbers: range) -> None:
        todo = list(numbers)
        while todo:
            try:
                async with SuperStreamPublisher(url, "orders", 1) as publisher:
                    while todo:
                        messages = [Message("x", b"%d" % n, f"{n}", "t") for n in todo[:50]]
                        await publisher.publish(messages, timeout=5)
                        confirmed.update(todo[:50])
                        del todo[:50]
            except Unconfirmed as failure:
                open_ones = [todo[place] for place in failure.indexes]
                confirmed.update(set(todo[:50]) - set(open_ones))
                todo = open_ones + todo[50:]
            except StreamError:
                await asyncio.sleep(0.1)

    async def some_confirmed() -> bool:
        return len(confirmed) >= 1000 and len(collector.records) > 0

    consuming = asyncio.create_task(consume())
    publishing = asyncio.create_task(publish(range(20_000)))
    try:
        await until(some_confirmed, "some confirmed events")
        before = await positions.claim(0)
        await asyncio.to_thread(leader.kill)
        await asyncio.wait_for(publishing, 120)
        (partition,) = await describe(url, "orders")
        assert not partition.leader.endswith(f":{leader.ports.stream}")
        await check_position(url, "orders-0", before)  # another leader does not make it another stream
        end = await end_offset(url, "orders-0")

        async def all_received() -> bool:
            return len(collector.records) == end

        await until(all_received, "all records")
    finally:
        publishing.cancel()
        consuming.cancel()
        await asyncio.wait({publishing, consuming})
    assert confirmed == set(range(20_000))
    assert collector.offsets == list(range(end))
    assert {int(body_of(record)) for _, record in collector.records} == confirmed
    stored = [int(body_of(record)) async for chunk in read_stream(url, "orders-0", 0, end) for record in chunk.records]
    assert stored == [int(body_of(record)) for _, record in collector.records]
