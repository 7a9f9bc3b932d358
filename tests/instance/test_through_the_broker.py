"""The same story through the real stream: duplicated, interleaved, processors restarted in the middle of it."""

from __future__ import annotations

import random
from functools import partial
from itertools import chain

import asyncpg
import orjson
import pytest

from pipelines.engine.instance.storm import MAX_PARKED
from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.migrate import migrate_instance
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import Batch, Message, SuperStreamPublisher
from pipelines.flows.views import migrations
from schemas.streams import partition_of
from tests.instance.direct import PARTITIONS, chunk, instance, orders_of
from tests.instance.tables import check_consistent, read_tables
from tests.support.events import event, life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

PLAIN = InstanceName("views", 2)

ORDERS = [order for partition in range(PARTITIONS) for order in orders_of(partition, 4)]


def _stories() -> list[list[dict[str, object]]]:
    """Each order's events: some whole, some with what a real world does to them."""
    stories = [life(order) for order in ORDERS]
    stories[0].insert(3, event(ORDERS[0], "packaging", type="order.packaging.v2", event_id="new"))
    stories[1] = life(ORDERS[1], "initiated", "submitted", "price_failed", "price_retry_requested", "price_calculated")
    stories[2].insert(5, {**stories[2][2], "data": {"other": "content"}})
    stories[3].insert(2, event(ORDERS[3], "submitted", event_id="broken", time="noon"))
    stories[4] = life(ORDERS[4], "shipped", "initiated", "cancelled", "closed")
    stories[5].append(event(ORDERS[5], "note_added"))
    return stories


@pytest.mark.parametrize("seed", [1])
async def test_a_story_told_by_a_real_stream_leaves_the_tables_of_the_plain_one(streaming: Run, seed: int) -> None:
    chance = random.Random(seed)
    dsn = streaming.settings.postgres_dsn
    migrate_instance(dsn, PLAIN, migrations)
    async with instance(streaming, claim=range(PARTITIONS), name=PLAIN) as plain:
        homes = [partition_of(order, PARTITIONS) for order in ORDERS]
        for partition in range(PARTITIONS):
            told = [story for home, story in zip(homes, _stories(), strict=True) if home == partition]
            await plain.commit(Batch(partition, 0, [chunk(list(chain(*told)), partition=partition)]))

    queues = _stories()
    sent: list[dict[str, object]] = []
    other = await streaming.connect()
    settings = streaming.settings.model_copy(update={"batch_events": 7})
    small = Run(settings, streaming.addresses)
    async with SuperStreamPublisher(settings.stream_url, settings.super_stream) as publisher:
        while queues:
            position = await _position(other)
            async with running_pipeline(small):
                for _ in range(chance.randint(1, 8)):
                    sending: list[dict[str, object]] = []
                    while queues and len(sending) < 12:
                        queue = chance.choice(queues)
                        sending.append(queue.pop(0))
                        queues = [queue for queue in queues if queue]
                    sent += sending
                    again = chance.sample(sent, min(len(sent), 5))
                    await publisher.publish([message(fields) for fields in [*sending, *again]])
                # Something of it has begun; what is in hand is cut off in the middle, or not.
                await until(partial(_further_than, other, position), "any progress", seconds=30)
        async with running_pipeline(small):
            await caught_up(small)

    expected = await connect(dsn, PLAIN.schema)
    found, plainly = await read_tables(other), await read_tables(expected)
    for table, rows in plainly.items():
        assert found[table] == rows, table
    assert len(plainly["timeline"]) > 100
    assert len(plainly["parked"]) == 8
    assert [row[1] for row in plainly["quarantine"]] == ["conflict", "invalid"]
    await check_consistent(other)
    await other.close()
    await expected.close()


async def _position(connection: asyncpg.Connection) -> int:
    position: int = await connection.fetchval("SELECT coalesce(sum(next_offset), 0)::int FROM checkpoint")
    return position


async def _further_than(connection: asyncpg.Connection, position: int) -> bool:
    return await _position(connection) > position


async def test_a_storm_stops_a_running_pipeline_for_good_before_it_commits(streaming: Run) -> None:
    settings = streaming.settings
    orders = orders_of(0, 25)
    events = [event(order, "initiated", type="order.initiated.v2") for order in orders]
    async with SuperStreamPublisher(settings.stream_url, settings.super_stream) as publisher:
        await publisher.publish_to(0, [message(fields) for fields in events])
        async with running_pipeline(streaming) as running:

            async def stopped() -> bool:
                return running.subscriber.failure is not None

            await until(stopped, "the pipeline to stop", seconds=30)
            assert not running.subscriber.is_healthy
            assert "25 of the last minute's 25 orders" in str(running.subscriber.failure)
            # The broker may have cut what was published; what came in a batch of few orders has parked.
        connection = await streaming.connect()
        position = await connection.fetchval("SELECT next_offset FROM checkpoint WHERE partition = 0")
        assert position <= MAX_PARKED
        assert await connection.fetchval("SELECT count(*) FROM parked") == position
        await connection.close()


async def test_messages_no_client_of_ours_wrote_are_set_aside_and_the_rest_takes_effect(streaming: Run) -> None:
    settings = streaming.settings
    [here], [there] = orders_of(0, 1), orders_of(1, 1)
    bodies = [orjson.dumps(event(here, "initiated")), b"\x00\xff", orjson.dumps(event(there, "initiated")), b""]
    async with SuperStreamPublisher(settings.stream_url, settings.super_stream) as publisher:
        await publisher.publish_to(0, [Message(here, body, "id", "type") for body in bodies])
    async with running_pipeline(streaming):
        await caught_up(streaming)
    connection = await streaming.connect()
    rows = await connection.fetch("SELECT stream_offset, reason, body FROM quarantine ORDER BY stream_offset")
    assert [tuple(row) for row in rows] == [
        (1, "unparsable", bodies[1]), (2, "misrouted", bodies[2]), (3, "unparsable", b"")
    ]  # fmt: skip
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 1
    await connection.close()
