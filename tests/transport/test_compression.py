"""Sub-entries: many records in one entry, each with an offset of its own."""

from __future__ import annotations

import asyncio
import contextlib
import struct

import pytest
from rstream import AMQPMessage, CompressionType, Producer

from pipelines.engine.transport import EventFilter, Message, SuperStreamPublisher, body_of, end_offset, read_stream
from pipelines.engine.transport import publisher as publisher_module
from pipelines.engine.transport import window as window_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.subentries import pack, unpack
from schemas.errors import StreamUnavailable, Unconfirmed
from schemas.streams import partition_of
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.transport.conftest import Collector, MemoryPositions, consuming, is_chunk, member, received


@pytest.mark.parametrize("kind", [CompressionType.No, CompressionType.Gzip])
async def test_sub_entries_of_others_count_record_by_record(run: Run, kind: CompressionType) -> None:
    """Trap: sub-entry chunks advance by entries, not records: duplicates after a reconnect."""
    address = Address.parse(run.settings.stream_url)
    async with Producer(
        address.host, address.port, username=address.user, password=address.password, vhost=address.vhost
    ) as producer:
        for start in (0, 25):
            batch = [AMQPMessage(body=b"%d" % n) for n in range(start, start + 25)]
            await producer.send_sub_entry("orders-0", batch, compression_type=kind)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector):
        await received(collector, 50)
    assert collector.offsets == list(range(50))
    positions.offsets[0] = 30  # in the middle of a sub-entry
    again = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), again):
        await received(again, 20)
    assert [int(body_of(record)) for _, record in again.records] == list(range(30, 50))


async def test_published_compressed_it_reads_the_same_and_takes_less(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "_FRAME_TARGET", 4000)
    messages = [
        Message(f"order-{n % 7}", b'{"number":"%06d","text":"%s"}' % (n, b"x" * 300), f"{n}", "t") for n in range(5000)
    ]
    size = 0

    def weigh(frame: bytes) -> bytes:
        nonlocal size
        size += len(frame) if is_chunk(frame) else 0
        return frame

    async with SuperStreamPublisher(run.settings.stream_url, "orders", compression="gzip") as publisher:
        await publisher.publish(messages)
        await publisher.publish(messages[:10])
    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = weigh
        for partition in range(4):
            home = [m.body for m in messages if partition_of(m.subject, 4) == partition]
            home += [m.body for m in messages[:10] if partition_of(m.subject, 4) == partition]
            end = await end_offset(run.settings.stream_url, f"orders-{partition}")
            assert end == len(home)
            read = [body_of(r) async for c in read_stream(url, f"orders-{partition}", 0, end) for r in c.records]
            assert read == home
    assert 0 < size < sum(len(m.body) for m in messages) / 3


async def test_a_filtered_reader_finds_compressed_events_if_it_asks_for_unfiltered_ones(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders", compression="gzip") as publisher:
        await publisher.publish_to(0, [Message("x", b"%d" % n, f"{n}", "t") for n in range(20)])
    wanted = EventFilter(("t",), lambda record: int(body_of(record)) % 2 == 0, match_unfiltered=True)
    found: list[int] = []
    async with (
        asyncio.timeout(30),
        contextlib.aclosing(read_stream(run.settings.stream_url, "orders-0", 0, only=wanted)) as chunks,
    ):
        async for chunk in chunks:
            found += [int(body_of(record)) for record in chunk.records]
            if len(found) == 10:
                break
    assert found == list(range(0, 20, 2))


@pytest.mark.parametrize(("code", "name"), [(2, "snappy"), (3, "lz4"), (4, "zstd")])
async def test_a_compression_that_cannot_be_read_is_named_and_nothing_skipped(run: Run, code: int, name: str) -> None:
    """The publisher's bytes decide, so what others publish may come to us so."""
    entry = pack([b"one", b"two"], "none")
    foreign = bytes([0x80 | code << 4]) + entry[1:]
    connection = await connect_to(Address.parse(run.settings.stream_url), "orders-0", "test", leader=True)
    await connection.request(lambda client: client.declare_publisher("orders-0", None, 1))
    head = struct.pack(">HHBIQ", 2, 1, 1, 1, 1)
    await connection.send(struct.pack(">I", len(head) + len(foreign)) + head + foreign)
    positions = MemoryPositions()
    collector = Collector(positions)
    with pytest.raises(StreamUnavailable, match=f"chunk at offset 0 is unreadable: .* with {name}, and only gzip"):
        await member(run.settings.stream_url, "orders", positions).run(collector)
    await connection.close()
    assert collector.records == []
    assert positions.offsets == {}


def test_a_compression_nobody_knows_is_refused() -> None:
    """RabbitMQ 4.0 takes it from a publisher, 4.3 refuses it."""
    plain = pack([b"one"], "none")
    with pytest.raises(ValueError, match="with method 7, and only gzip"):
        unpack(bytes([0x80 | 7 << 4]) + plain[1:], 0, [])


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_sub_entry_that_lies_about_itself_is_refused(compression: str) -> None:
    good = pack([b"one", b"", b"three"], compression)  # type: ignore[arg-type]
    records: list[bytes] = []
    assert unpack(b"before" + good + b"behind", 6, records) == 6 + len(good)
    assert records == [b"one", b"", b"three"]
    kind, count, plain, size = struct.unpack_from(">BHII", good)
    for head in [(kind, count - 1, plain, size), (kind, count + 1, plain, size), (kind, count, plain - 1, size),
                 (kind, count, plain + 1, size), (kind, count, plain, size + 1)]:  # fmt: skip
        with pytest.raises(ValueError, match="sub-entry"):
            unpack(struct.pack(">BHII", *head) + good[11:], 0, [])
    with pytest.raises(ValueError, match="cut off"):
        unpack(good[:5], 0, [])


async def test_a_group_that_is_not_confirmed_is_reported_message_by_message(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "_SUB_ENTRY_RECORDS", 10)

    def without_the_second(frame: bytes) -> bytes:
        if frame[:2] != b"\x00\x03":
            return frame
        ids = [frame[start : start + 8] for start in range(9, len(frame), 8)]
        kept = [number for number in ids if int.from_bytes(number, "big") != 2]
        return frame[:5] + len(kept).to_bytes(4, "big") + b"".join(kept)

    async with proxied(run.settings.stream_url) as (url, proxy):
        proxy.frames = without_the_second
        async with SuperStreamPublisher(url, "orders", compression="gzip") as publisher:
            other = next(s for s in "abcdefgh" if partition_of(s, 4) != partition_of("one", 4))
            messages = [Message(("one", other)[n % 2], b".", f"{n}", "t") for n in range(70)]
            with pytest.raises(Unconfirmed) as failure:
                await publisher.publish(messages, timeout=1)
    # The second group of ten of either partition: every other message of the second twenty.
    assert failure.value.indexes == tuple(range(20, 40))
