"""The main line on real servers: events published, committed once, readable."""

from __future__ import annotations

from pipelines.engine.transport import SuperStreamPublisher
from tests.support.events import life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run


async def test_a_whole_life_ends_in_the_closed_orders_once_however_often_it_is_published(run: Run) -> None:
    events = [message(fields) for number in range(20) for fields in life(f"A{number}")]
    async with SuperStreamPublisher(run.settings.stream_url, run.settings.super_stream) as publisher:
        await publisher.publish(events)
        async with running_pipeline(run):
            await caught_up(run)
            await publisher.publish(events)
            await caught_up(run)
    connection = await run.connect()
    closed = await connection.fetch("SELECT stage, revision, anomalies FROM closed_orders")
    assert [tuple(row) for row in closed] == [("closed", 10, 0)] * 20
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 200
    assert await connection.fetchval("SELECT count(*) FROM open_orders") == 0
    totals = await connection.fetchrow("SELECT sum(applied), sum(duplicates), sum(quarantined) FROM checkpoint")
    assert [int(value) for value in totals] == [200, 200, 0]
    await connection.close()
