"""Bad events at the first, middle and last place of a chunk, and honest repetitions long after (I4, I2)."""

from __future__ import annotations

import orjson
import pytest
from rstream import CompressionType, Producer

from pipelines.audit import audit
from pipelines.engine.transport import Message, SuperStreamPublisher, encode, end_offset, read_stream
from pipelines.engine.transport.address import Address
from schemas.streams import partition_of
from tests.support.events import event, life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

POISONS = {
    "not JSON": b"\x00\xff{",
    "NUL in a name": orjson.dumps(event("A\x000", "submitted")),
    "no such time": orjson.dumps(event("A0", "submitted", time="2026-13-45T99:00:00Z")),
    "too large": orjson.dumps(event("A0", "note_added", data={"author": "a", "text": "x", "blob": "y" * 300_000})),
    "half an emoji": b'{"specversion":"1.0","id":"\xed\xa0\xbd"}',
    "empty": b"",
}


@pytest.mark.parametrize("place", [0, 10, 20])
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
async def test_a_bad_event_is_set_aside_and_all_others_take_effect(run: Run, place: int, poison: bytes) -> None:
    orders = [f"A{number}" for number in range(100) if partition_of(f"A{number}", 4) == 0][:2]
    good = [message(fields) for order in orders for fields in life(order)]
    batch = [*good[:place], Message("-", poison, "poison", "bad"), *good[place:]]
    await _publish_as_one_chunk(run, batch)
    chunks = [chunk async for chunk in read_stream(run.settings.stream_url, "orders-0", 0, 21)]
    assert [len(chunk.records) for chunk in chunks] == [21]
    async with running_pipeline(run):
        await caught_up(run)
    report = await audit(run.settings)
    assert (report.applied, report.quarantined) == (20, 1)
    assert (report.lost, report.doubled, report.order_gaps, report.mismatches) == (0, 0, 0, 0), report.findings
    connection = await run.connect()
    assert await connection.fetchval("SELECT stream_offset FROM quarantine") == place
    await connection.close()


async def _publish_as_one_chunk(run: Run, messages: list[Message]) -> None:
    """The broker cuts chunks as it likes, but never through a sub-entry."""
    address = Address.parse(run.settings.stream_url)
    async with Producer(
        address.host, address.port, username=address.user, password=address.password, vhost=address.vhost
    ) as producer:
        records = [encode(message.body, message.message_id) for message in messages]
        await producer.send_sub_entry("orders-0", records, compression_type=CompressionType.No)


async def test_repetitions_days_and_months_apart_are_dropped(run: Run) -> None:
    """An honest retry carries the same id and data, but another time and trace."""
    events = life("A1")
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher, running_pipeline(run):
        await publisher.publish([message(fields) for fields in events])
        await caught_up(run)
        for days_later in ("2026-03-09", "2026-06-01", "2031-01-01"):
            retry = [{**fields, "time": f"{days_later}T00:00:00Z", "traceparent": None} for fields in events]
            await publisher.publish([message(fields) for fields in retry])
        await caught_up(run)
    assert await end_offset(run.settings.stream_url, f"orders-{partition_of('A1', 4)}") == 40
    report = await audit(run.settings)
    assert (report.events_in_stream, report.distinct, report.applied) == (40, 10, 10)
    assert (report.lost, report.doubled, report.order_gaps, report.mismatches) == (0, 0, 0, 0), report.findings
