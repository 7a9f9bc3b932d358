"""OrderPublisher on a real stream."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipelines.edges.publisher import OrderPublisher
from pipelines.engine.transport import body_of, end_offset, read_stream
from schemas.errors import EventRejected, Reason, StreamMissing
from schemas.streams import partition_name, partition_of
from tests.support.events import event, life
from tests.support.runs import Run


async def stored(run: Run) -> dict[int, list[bytes]]:
    """Return the bodies in each partition."""
    settings, bodies = run.settings, {}
    for partition in range(settings.partitions):
        stream = partition_name(settings.super_stream, partition)
        end = await end_offset(settings.stream_url, stream)
        bodies[partition] = [
            body_of(record)
            async for chunk in read_stream(settings.stream_url, stream, 0, end)
            for record in chunk.records
        ]
    return bodies


async def test_events_are_in_their_home_partitions_in_their_order_when_it_returns(run: Run) -> None:
    orders = [f"A{number}" for number in range(30)]
    events: list[dict[str, Any] | bytes] = [
        fields if number % 2 else orjson.dumps(fields)
        for lives in zip(*(life(order_id) for order_id in orders), strict=True)
        for number, fields in enumerate(lives)
    ]
    async with OrderPublisher(run.settings) as publisher:
        await publisher.publish_many(events)
        bodies = await stored(run)
    for order_id in orders:
        home = bodies[partition_of(order_id, run.settings.partitions)]
        assert [fields for body in home if (fields := orjson.loads(body))["subject"] == order_id] == life(order_id)
    assert sum(map(len, bodies.values())) == len(events)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event("A1", "shipped", source="/crm"), Reason.FORBIDDEN_SOURCE),
        ({**event("A1", "shipped"), "time": "soon"}, Reason.INVALID),
        (b"{", Reason.UNPARSABLE),
        ({**event("A1", "note_added"), "data": {"text": "x", "author": "a", "more": "x" * 300_000}}, Reason.OVERSIZED),
    ],
)
async def test_one_bad_event_and_nothing_is_sent(run: Run, bad: dict[str, Any] | bytes, reason: Reason) -> None:
    async with OrderPublisher(run.settings) as publisher:
        with pytest.raises(EventRejected) as caught:
            await publisher.publish_many([event("A1", "submitted"), bad])
    assert caught.value.reason == reason
    assert await stored(run) == {partition: [] for partition in range(run.settings.partitions)}


async def test_a_missing_super_stream_is_named(run: Run) -> None:
    with pytest.raises(StreamMissing, match="does not exist; create it first"):
        async with OrderPublisher(run.settings.model_copy(update={"super_stream": "nowhere"})):
            pass
