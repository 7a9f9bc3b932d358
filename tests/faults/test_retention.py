"""Events removed before they were read, and streams made anew: stop that partition, say so, apply nothing wrong."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import asyncpg
import httpx
import pytest

from cli.localservers import Addresses
from pipelines.engine.transport import SuperStreamPublisher, create_super_stream, end_offset, first_offset
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.streams import partition_name, partition_of
from tests.faults.conftest import SEEDS
from tests.support.events import life, message
from tests.support.pipelines import caught_up
from tests.support.processors import Processor, processor
from tests.support.runs import Run, fresh_run, prepare
from tests.support.waiting import until

pytestmark = pytest.mark.faults

PARTITIONS = 4


async def _publish(run: Run, orders: list[str], *names: str, filling: str = "") -> None:
    """Publish the orders' events, one order after the other, so that there are many chunks."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for order in orders:
            events = [{**fields, "filling": filling} for fields in life(order, *names)]
            await publisher.publish([message(fields) for fields in events])


def _orders(prefix: str, partition: int, count: int) -> list[str]:
    names = (f"{prefix}{number}" for number in range(10_000))
    return list(islice((name for name in names if partition_of(name, PARTITIONS) == partition), count))


async def _checkpoint(connection: asyncpg.Connection, partition: int) -> int:
    return int(await connection.fetchval("SELECT next_offset FROM checkpoint WHERE partition = $1", partition) or 0)


async def _alarms(child: Processor, partition: int) -> None:
    """Wait for the alarm of this partition and hold that it is the only one."""

    async def stopped() -> bool:
        return await child.metric("warren_partition_stopped", partition=str(partition)) == 1

    await until(stopped, f"partition {partition} to alarm")
    others = [other for other in range(PARTITIONS) if other != partition]
    assert [await child.metric("warren_partition_stopped", partition=str(other)) for other in others] == [0, 0, 0]
    troubles = await child.troubles()
    assert len(troubles) == 1, troubles
    assert troubles[0].startswith(f"partition {partition}: EventsLost: ")


async def _others_go_on(run: Run, connection: asyncpg.Connection, stopped: int, *names: str) -> None:
    for partition in set(range(PARTITIONS)) - {stopped}:
        await _publish(run, _orders("B", partition, 3), *names)
        end = await end_offset(run.settings.stream_url, partition_name("orders", partition))

        async def there(partition: int = partition, end: int = end) -> bool:
            return await _checkpoint(connection, partition) >= end

        await until(there, f"partition {partition} to go on")


@pytest.fixture
async def forgetful(fault_servers: Addresses) -> AsyncIterator[tuple[Run, int]]:
    """An environment in which one partition's stream keeps only its newest 200 kB, and that partition."""
    partition = 1
    async with fresh_run(fault_servers, prepared=False) as run:
        vhost = Address.parse(run.settings.stream_url).vhost
        definition = {"max-length-bytes": 200_000, "stream-max-segment-size-bytes": 100_000}
        policy = {"pattern": f"^orders-{partition}$", "definition": definition, "apply-to": "streams"}
        url = httpx.URL(run.settings.management_url)
        async with httpx.AsyncClient(
            base_url=f"http://{url.host}:{url.port}", auth=(url.username, url.password), trust_env=False
        ) as client:
            (await client.put(f"/api/policies/{vhost}/forget", json=policy)).raise_for_status()
        await prepare(run.settings)
        yield run, partition


@pytest.mark.parametrize("seed", SEEDS)
async def test_retention_that_removes_what_was_not_read(forgetful: tuple[Run, int], tmp_path: Path, seed: int) -> None:
    (run, partition), chance = forgetful, random.Random(seed)
    connection = await run.connect()
    orders = _orders("A", partition, 400)
    first = chance.randint(1, 5)
    async with processor(run, tmp_path / "log") as child:
        await _publish(run, orders[:first])
        await caught_up(run)
        assert await child.stop() == 0
    read = await _checkpoint(connection, partition)
    for start in range(first, 400, 20):
        await _publish(run, orders[start : start + 20], filling="x" * 1000)
        if await first_offset(run.settings.stream_url, partition_name("orders", partition)) > read:
            break
    for _ in range(2):  # another start changes nothing
        async with processor(run, tmp_path / "log") as child:
            await _alarms(child, partition)
            await _others_go_on(run, connection, partition)
            await _alarms(child, partition)
            assert await child.stop() == 0
    assert await _checkpoint(connection, partition) == read
    query = "SELECT count(*) FROM timeline WHERE partition = $1"
    assert await connection.fetchval(query, partition) == read
    await connection.close()


async def _make_anew(run: Run) -> None:
    admin = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await admin.request(lambda client: client.delete_super_stream("orders"))
    await admin.close()
    await create_super_stream(run.settings.stream_url, "orders", PARTITIONS)


async def _every_partition_alarms(child: Processor) -> None:
    """Wait until all say, a line each, that it is another stream."""

    async def all_stopped() -> bool:
        found = [await child.metric("warren_partition_stopped", partition=str(p)) for p in range(PARTITIONS)]
        return found == [1.0] * PARTITIONS

    await until(all_stopped, "every partition to alarm")
    troubles = await child.troubles()
    assert len(troubles) == PARTITIONS
    assert all(": StreamReplaced: " in trouble and "\n" not in trouble for trouble in troubles), troubles


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_stream_deleted_and_made_anew_under_a_running_processor(run: Run, tmp_path: Path, seed: int) -> None:
    """What is in it now begins at offset 0 again: nothing of it may be taken for what the checkpoint has passed."""
    chance = random.Random(seed)
    connection = await run.connect()
    orders = [order for partition in range(PARTITIONS) for order in _orders("A", partition, 10)]
    async with processor(run, tmp_path / "log") as child:
        await _publish(run, orders)
        await caught_up(run)
        before = [await _checkpoint(connection, partition) for partition in range(PARTITIONS)]
        await _make_anew(run)
        await _publish(run, chance.sample(orders, 8), "initiated", "submitted")
        await _every_partition_alarms(child)
        assert [await _checkpoint(connection, partition) for partition in range(PARTITIONS)] == before
        assert await connection.fetchval("SELECT count(*) FROM timeline") == sum(before) == 10 * len(orders)
        assert await child.stop() == 0
    await connection.close()


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "stopped"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_stream_made_anew_and_grown_longer_meanwhile(run: Run, tmp_path: Path, seed: int, frozen: bool) -> None:
    """The checkpoint's offset is there, in the middle of other events: none of them may take effect."""
    chance = random.Random(seed)
    connection = await run.connect()
    orders = [order for partition in range(PARTITIONS) for order in _orders("A", partition, 10)]
    async with processor(run, tmp_path / "log") as child:
        await _publish(run, chance.sample(orders, len(orders)))
        await caught_up(run)
        before = [await _checkpoint(connection, partition) for partition in range(PARTITIONS)]
        if frozen:
            child.freeze()
        else:
            assert await child.stop() == 0
        await _make_anew(run)
        others = [order for partition in range(PARTITIONS) for order in _orders("B", partition, chance.randint(10, 20))]
        await _publish(run, chance.sample(others, len(others)))
        if frozen:
            child.wake()
            await _every_partition_alarms(child)
            assert await child.stop() == 0
        for _ in range(2):  # another start changes nothing
            child.start()
            await _every_partition_alarms(child)
            assert await child.stop() == 0
        assert [await _checkpoint(connection, partition) for partition in range(PARTITIONS)] == before
        assert await connection.fetchval("SELECT count(*) FROM timeline") == sum(before) == 10 * len(orders)
    await connection.close()
