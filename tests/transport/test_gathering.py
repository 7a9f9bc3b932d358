"""Batches are cut where they are full, in records and in bytes; and large chunks do not pile up."""

from __future__ import annotations

import asyncio

import pytest
from rstream import schema

from pipelines.engine.transport import Batch, Message, SuperStreamPublisher, body_of
from pipelines.engine.transport import credit as credit_module
from pipelines.engine.transport import gathering as gathering_module
from pipelines.engine.transport import reader as reader_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.credit import Credit
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until
from tests.transport.conftest import Collector, MemoryPositions, Wiretap, consuming, member, publish, received


async def test_a_batch_holds_no_more_records_than_asked_for_wherever_chunks_end(run: Run) -> None:
    await publish(run, 0, 300, at_once=30)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions, records=7), collector):
        await received(collector, 300)
    assert max(map(len, collector.batches)) == 7
    assert collector.offsets == list(range(300))


async def test_a_batch_holds_no_more_bytes_than_its_limit_but_one_record_at_least(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering_module, "BATCH_BYTES", 10_000)
    sizes = [1000] * 100 + [50_000] * 3 + [1000] * 100
    messages = [Message("x", b"." * size, f"{n}", "t") for n, size in enumerate(sizes)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        for start in range(0, len(messages), 5):
            await publisher.publish_to(0, messages[start : start + 5])
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, len(sizes))
    for batch in collector.batches:
        records = [record for chunk in batch.chunks for record in chunk.records]
        assert len(records) == 1 or sum(map(len, records)) <= 10_000
    assert max(map(len, collector.batches)) == 9
    assert collector.offsets == list(range(len(sizes)))


async def test_what_there_is_no_room_for_is_read_again_in_its_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large chunks on the credit of small ones."""
    monkeypatch.setattr(credit_module, "MOST_CREDIT", 16)
    monkeypatch.setattr(credit_module, "ROOM_BYTES", 20_000)
    read_again: list[int] = []

    async def chunk_at(address: Address, stream: str, first: int) -> schema.Deliver:
        read_again.append(first)
        return await reader_module.chunk_at(address, stream, first)

    monkeypatch.setattr("pipelines.engine.transport.gathering.chunk_at", chunk_at)
    hold, go_on, tap = False, asyncio.Event(), Wiretap()
    positions = MemoryPositions()
    collector = Collector(positions)

    async def handle(batch: Batch) -> None:
        if hold:
            await go_on.wait()
        await collector(batch)

    async def delivered() -> bool:
        return tap.first_offsets[-1] > 100

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = tap
        async with consuming(member(url, "orders", positions), handle):
            await publish(run, 0, 60, at_once=1)
            await received(collector, 60)
            hold = True
            async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
                for start in range(60, 200, 10):
                    messages = [Message("x", b"." * 1500 + b"%d" % n, f"{n}", "t") for n in range(start, start + 10)]
                    await publisher.publish_to(0, messages)
            await until(delivered, "large chunks on the credit of small ones")
            go_on.set()
            await received(collector, 200)
    assert read_again
    assert collector.offsets == list(range(200))
    assert [int(body_of(record).lstrip(b".")) for _, record in collector.records] == list(range(200))
    assert positions.claims == [0]


def test_credit_follows_the_size_of_chunks() -> None:
    granted: list[int] = []
    credit = Credit(granted.append)

    def work_off(chunks: int, size: int) -> int:
        for _ in range(chunks):
            credit.taken(size)
        before = sum(granted)
        credit.worked_off()
        return sum(granted) - before

    out = credit.first
    for _ in range(12):
        out += work_off(out, 500) - out
    assert out == credit_module.MOST_CREDIT
    large = credit_module.ROOM_BYTES // 2
    for _ in range(out):
        out += work_off(1, large) - 1
    assert out == 2
    for _ in range(3):
        out += work_off(1, 3 * credit_module.ROOM_BYTES) - 1
    assert out == 1
    assert work_off(1, 500) == 1, "one small chunk says little of the next"
    for _ in range(20):
        out += work_off(out, 500) - out
        assert out * 500 <= credit_module.ROOM_BYTES
    assert out > 100


def test_credit_grows_by_no_more_than_was_worked_off() -> None:
    granted: list[int] = []
    credit = Credit(granted.append)
    credit.taken(10)
    credit.worked_off()
    assert granted == [2]
    credit.taken(10)
    credit.worked_off(keeping=1)
    assert granted == [2]
    credit.worked_off()
    assert granted == [2, 2]
