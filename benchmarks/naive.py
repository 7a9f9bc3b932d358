"""`naive`: the same job as people write it today, beside ours: one transaction for each event.

FastStream's RabbitBroker reads the partitions as stream queues over AMQP 0.9.1; the handler validates the event, and
one transaction looks its order up, asks and fills the ledger, and updates order, timeline and counts, same schema.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

from benchmarks.environment import Bench, BenchRun
from benchmarks.materialise import PARTITIONS, QUICK, pipeline, publish_all
from benchmarks.result import Result, medians
from benchmarks.rows import CHANGING, COLUMNS, changing_of, row_of
from pipelines.engine.stores.postgres import BY_KEY, connect
from pipelines.flows.views.rows import state_of
from processors.orders.fold import fold
from schemas.lifecycle import FINAL
from schemas.orders import parse
from schemas.streams import partition_name

EVENTS = 30_000
RUNS = 3

_PLACES = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
_INSERT = f"INSERT INTO open_orders ({', '.join(COLUMNS)}) VALUES ({_PLACES})"  # noqa: S608 - names of our own
_CHANGES = ", ".join(f"{name} = ${n}" for n, name in enumerate(CHANGING, 2))
_UPDATE = f"UPDATE open_orders SET {_CHANGES} WHERE order_no = $1"  # noqa: S608 - names of our own
_TIMELINE = """
    INSERT INTO timeline (order_no, stream_offset, recorded_at, partition, identity, source, event_id, event_type,
                          event_time, stage, holder, held_seconds, anomalies, trace_id, revision, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_COUNT = """
    INSERT INTO counts AS c (partition, stage, partner, orders) VALUES ($1, $2, $3, $4)
        ON CONFLICT (partition, stage, partner) DO UPDATE SET orders = c.orders + excluded.orders
"""


async def naive(bench: Bench) -> Result:
    """Events a second of both, over the smaller history, as this takes long."""
    messages = QUICK.next_events(EVENTS // 3 if bench.quick else EVENTS)
    runs = []
    for _ in range(bench.runs(RUNS)):
        async with bench.environment(QUICK) as run:
            await publish_all(run, messages)
            slow = len(messages) / await _one_by_one(run, len(messages))
        async with bench.environment(QUICK) as run:
            ours, _ = await pipeline(run, messages)
        runs.append((slow, ours))
    value, limit = medians(runs)
    conditions = {"events": len(messages), "ledger_rows_at_start": QUICK.ledger_rows, "runs": len(runs)}
    return Result("naive", value, "events/s", limit, "Warren's processor on the same events", False, conditions)


async def _one_by_one(run: BenchRun, events: int) -> float:
    broker = RabbitBroker(run.settings.amqp_url, logger=None)
    connections: dict[int, asyncpg.Connection] = {}
    count, done = 0, asyncio.Event()

    def subscribe(partition: int) -> None:
        order = asyncio.Lock()
        queue = RabbitQueue(
            partition_name("orders", partition), queue_type=QueueType.STREAM, durable=True, declare=False
        )

        @broker.subscriber(queue, channel=Channel(prefetch_count=100), consume_args={"x-stream-offset": "first"})
        async def handle(_: Any, message: RabbitMessage) -> None:
            nonlocal count
            offset = int(message.headers["x-stream-offset"])
            async with order:  # handlers of one queue run side by side, and an order's events may not
                await _apply(connections[partition], partition, offset, message.body)
            count += 1
            if count == events:
                done.set()

    for partition in range(PARTITIONS):
        connections[partition] = await connect(run.settings.postgres_dsn, "views_v1", planning=BY_KEY)
        subscribe(partition)
    started = time.perf_counter()
    async with broker:
        await broker.start()
        await done.wait()
        seconds = time.perf_counter() - started
    for connection in connections.values():
        await connection.close()
    return seconds


async def _apply(connection: asyncpg.Connection, partition: int, offset: int, body: bytes) -> None:
    event, identity, content = parse(body)
    now = datetime.now(UTC)
    async with connection.transaction():
        find = "SELECT order_no FROM order_index WHERE order_id = $1"
        order_no = await connection.fetchval(find, event.subject)
        if order_no is None:
            add = "INSERT INTO order_index (order_id, opened_at) VALUES ($1, $2) RETURNING order_no"
            order_no = await connection.fetchval(add, event.subject, now)
        enter = "INSERT INTO ledger VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true"
        if not await connection.fetchval(enter, order_no, identity, content, partition, offset):
            return
        row = await connection.fetchrow("SELECT * FROM open_orders WHERE order_no = $1", order_no)
        before = None if row is None else state_of(row)
        after, entry = fold(before, event, offset, now)
        await connection.execute(
            _TIMELINE, order_no, offset, now, partition, identity, event.source, event.id, event.type, event.time,
            entry.stage, entry.holder, entry.held_seconds, list(entry.anomalies), event.trace_id, after.revision, body,
        )  # fmt: skip
        if after.stage in FINAL:
            await connection.execute("DELETE FROM open_orders WHERE order_no = $1", order_no)
            columns = [*COLUMNS, "closed_at"]
            row_closed = (*row_of(order_no, partition, after), now)
            await connection.copy_records_to_table("closed_orders", records=[row_closed], columns=columns)
        elif before is None:
            await connection.execute(_INSERT, *row_of(order_no, partition, after))
        else:
            await connection.execute(_UPDATE, order_no, *changing_of(after))
        if before is not None:
            await connection.execute(_COUNT, partition, before.stage, before.partner or "", -1)
        await connection.execute(_COUNT, partition, after.stage, after.partner or "", 1)
