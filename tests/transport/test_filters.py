"""Filters: the broker leaves out chunks, the client what else comes in them; nothing wanted is ever missing."""

from __future__ import annotations

import pytest

from pipelines.engine.transport import (
    Batch,
    EventFilter,
    GroupConsumer,
    Message,
    SuperStreamPublisher,
    Turns,
    body_of,
    read_stream,
)
from pipelines.engine.transport.address import Address
from schemas.errors import PublishRefused, SettingsError
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import MemoryPositions, chunk_offset, consuming, is_chunk

PAID = EventFilter(("paid",), lambda record: body_of(record).startswith(b"paid"))


async def publish_kinds(run: Run, *kinds: str, rounds: int = 1) -> None:
    """One call, and so at least one chunk, per kind and round."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for number in range(rounds):
            for kind in kinds:
                messages = [Message("x", f"{kind} {number} {n}".encode(), f"{number}", kind) for n in range(10)]
                await publisher.publish_to(0, messages)


async def bodies(run: Run, end: int | None, only: EventFilter) -> list[bytes]:
    return [
        body_of(record)
        async for chunk in read_stream(run.settings.stream_url, "orders-0", 0, end, only=only)
        for record in chunk.records
    ]


async def test_a_reader_gets_what_it_wants_and_the_broker_leaves_out_the_rest(run: Run) -> None:
    """Trap: Bloom filters work per chunk, unwanted events still come. The read also ends where nothing matches."""
    await publish_kinds(run, "paid", "shipped", "noted", rounds=5)
    chunks: list[bytes] = []

    def counting(frame: bytes) -> bytes:
        if is_chunk(frame):
            chunks.append(frame[29:37])
        return frame

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = counting
        found = [
            (chunk.first_offset + place, body_of(record))
            async for chunk in read_stream(url, "orders-0", 0, 130, only=PAID)
            for place, record in enumerate(chunk.records)
        ]
    assert [body for _, body in found] == [f"paid {number} {n}".encode() for number in range(5) for n in range(10)]
    assert [offset for offset, _ in found] == [30 * number + n for number in range(5) for n in range(10)]
    assert not {offset for offset in map(int_of, chunks) if offset % 30 >= 10} - set(range(130, 150))


def int_of(data: bytes) -> int:
    return int.from_bytes(data, "big")


async def test_a_read_with_an_end_is_sure_of_it(run: Run) -> None:
    """The broker says nothing of what it leaves out; what did not come is looked for before the read ends."""
    await publish_kinds(run, "paid", "shipped", rounds=3)
    subscriptions = 0

    def nothing_of_the_last(frame: bytes) -> bytes:
        nonlocal subscriptions
        subscriptions += frame[:2] == b"\x80\x07"
        return b"" if subscriptions == 1 and is_chunk(frame) and chunk_offset(frame) >= 40 else frame

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = nothing_of_the_last
        found = [r async for chunk in read_stream(url, "orders-0", 0, 60, only=PAID) for r in chunk.records]
    assert len(found) == 30


async def test_unwanted_records_in_a_wanted_chunk_are_left_out(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        kinds = [("paid", "noted")[n % 3 == 0] for n in range(99)]
        messages = [Message("x", f"{kind} {n}".encode(), f"{n}", kind) for n, kind in enumerate(kinds)]
        await publisher.publish_to(0, messages)
    assert await bodies(run, 99, PAID) == [f"paid {n}".encode() for n in range(99) if n % 3]


async def test_a_group_member_is_given_only_what_it_wants(run: Run) -> None:
    await publish_kinds(run, "paid", "shipped", rounds=5)
    positions = MemoryPositions()
    seen: list[bytes] = []

    async def handle(batch: Batch) -> None:
        seen.extend(body_of(record) for chunk in batch.chunks for record in chunk.records)
        positions.offsets[0] = batch.end_offset

    consumer = GroupConsumer(
        Address.parse(run.settings.stream_url),
        "orders-0",
        partition=0,
        super_stream="orders",
        group="g",
        positions=positions,
        batch_records=15,
        turns=Turns(None),
        only=PAID,
    )

    async def all_seen() -> bool:
        return len(seen) >= 50

    async with consuming(consumer, handle):
        await until(all_seen, "fifty events")
        await publish_kinds(run, "shipped")
        await publish_kinds(run, "paid")

        async def one_more() -> bool:
            return len(seen) == 60

        await until(one_more, "ten more events")
    assert seen[:50] == [f"paid {number} {n}".encode() for number in range(5) for n in range(10)]


async def test_a_filter_value_the_frame_cannot_carry_is_refused(run: Run) -> None:
    """Trap: a filter value outside ASCII corrupts the frame."""
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        with pytest.raises(PublishRefused, match="ASCII"):
            await publisher.publish([Message("a", b"1", "1", "t"), Message("b", b"2", "2", "заказ")])
        await publisher.publish([Message("a", b"1", "1", "t")])
    for values in ((), ("ä",), ("",)):
        with pytest.raises(SettingsError, match="ASCII"):
            EventFilter(values, lambda _: True)
