"""What a call promises while nothing goes wrong: events in their home partitions, in order, or nothing at all."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipelines.edges.publisher import OrderPublisher
from schemas.errors import EventRejected, Reason, StreamMissing
from schemas.orders import NoteAdded
from schemas.streams import partition_of
from tests.publisher.stream import stored
from tests.support.events import event, life
from tests.support.runs import Run


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


async def test_models_objects_and_texts_are_the_same_event(run: Run) -> None:
    fields = event("A1", "note_added", event_id="1")
    model = NoteAdded.model_validate({**fields, "id": "2", "colour": "red"})
    text = orjson.dumps({**fields, "id": "3"}, option=orjson.OPT_INDENT_2)
    async with OrderPublisher(run.settings) as publisher:
        await publisher.publish(fields)
        await publisher.publish(model)
        await publisher.publish(text)
        bodies = (await stored(run))[partition_of("A1", run.settings.partitions)]
    assert [orjson.loads(body)["id"] for body in bodies] == ["1", "2", "3"]
    assert bodies[2] == text
    sent = orjson.loads(bodies[1])
    assert sent.pop("time") == "2026-03-01T12:00:00Z"
    assert sent == {**{name: value for name, value in fields.items() if name != "time"}, "id": "2", "colour": "red"}


async def test_nothing_to_publish_is_published_at_once(run: Run) -> None:
    async with OrderPublisher(run.settings) as publisher:
        await publisher.publish_many([])
