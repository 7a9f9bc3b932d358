"""Where a subscriber without a group begins, on a real stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faststream.exceptions import SetupError

from pipelines.engine.broker import MemoryPositions, Offset, StreamBroker
from pipelines.engine.broker import annotations as given
from pipelines.engine.transport import Message, SuperStreamPublisher, read_stream
from tests.broker.conftest import has, new_stream, serving
from tests.support.waiting import until


async def _filled(url: str, count: int) -> str:
    """Return a super stream whose only partition holds a chunk for each of so many numbers."""
    stream = await new_stream(url, 1)
    async with SuperStreamPublisher(url, stream) as publisher:
        for number in range(count):
            await publisher.publish([Message("k", b"%d" % number, f"{number}", "t")])
    return stream


@pytest.mark.parametrize(
    ("offset", "first"),
    [(Offset.first(), 0), (Offset.last(), 9), (Offset.next(), 10), (None, 10), (Offset.at(4), 4)],
    ids=["first", "last", "next", "default", "at"],
)
async def test_reading_begins_where_it_was_asked_to(url: str, offset: Offset | None, first: int) -> None:
    stream, broker, seen = await _filled(url, 10), StreamBroker(url), list[Any]()

    @broker.subscriber(stream, offset=offset)
    async def handle(body: int, message: given.StreamRecord) -> None:
        seen.append((message.offset, body))

    async with serving(broker):
        await until(broker.ping, "the subscriber to read")
        await broker.publish(10, stream)
        await until(has(seen, 11 - first), "the records")
    assert seen == [(number, number) for number in range(first, 11)]


async def test_since_begins_with_the_first_record_not_written_before(url: str) -> None:
    stream = await _filled(url, 30)
    times = {c.first_offset: c.recorded_at async for c in read_stream(url, f"{stream}-0", 0, 30)}
    for moment in (times[0], times[17], times[17] + timedelta(microseconds=600), times[29]):
        rounded = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        expected = min(offset for offset, written in times.items() if written >= rounded)
        assert await Offset.since(moment).resolve(url, f"{stream}-0") == expected
    assert await Offset.since(times[0] - timedelta(days=1)).resolve(url, f"{stream}-0") == 0
    assert await Offset.since(times[29] + timedelta(days=1)).resolve(url, f"{stream}-0") == 30


async def test_an_empty_stream_has_one_place(url: str) -> None:
    stream = f"{await new_stream(url)}-0"
    for offset in (Offset.first(), Offset.last(), Offset.next(), Offset.since(datetime.now(UTC))):
        assert await offset.resolve(url, stream) == 0


async def test_a_plain_stream_is_read_too(url: str, stream: str) -> None:
    """A partition by its own name is a plain stream."""
    broker, seen = StreamBroker(url), list[Any]()

    @broker.subscriber(f"{stream}-1", offset=Offset.first())
    async def handle(body: int, message: given.StreamRecord) -> None:
        seen.append((body, message.stream, message.partition))

    async with serving(broker), SuperStreamPublisher(url, stream) as publisher:
        for partition in (0, 1):
            await publisher.publish_to(partition, [Message("k", b"%d" % partition, "id", "t")])
        await until(has(seen, 1), "a record")
    assert seen == [(1, f"{stream}-1", 0)]


def test_what_makes_no_sense_is_refused_when_declared() -> None:
    broker, positions = StreamBroker(), MemoryPositions()
    with pytest.raises(SetupError, match="positions="):
        broker.subscriber("s", group="g")
    with pytest.raises(SetupError, match="group="):
        broker.subscriber("s", positions=positions)
    with pytest.raises(SetupError, match="offset="):
        broker.subscriber("s", group="g", positions=positions, offset=Offset.first())
    for option in ("max_workers", "partitions", "batch_records", "stall_after"):
        with pytest.raises(SetupError, match=f"{option}=0"):
            broker.subscriber("s", **{option: 0})  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="retry or stop"):
        broker.subscriber("s", on_error="skip")  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="gzip"):
        broker.publisher("s", compression="zstd")  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="time zone"):
        Offset.since(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(SetupError, match="negative"):
        Offset.at(-1)
