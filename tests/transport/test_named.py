"""The named publisher: the broker drops what it has, and nothing is lost to its high-water mark."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Message, NamedPublisher, body_of, end_offset, read_stream
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.publisher import entry
from pipelines.engine.transport.window import PartitionPublisher
from schemas.errors import PublishRefused, SettingsError, Unconfirmed
from schemas.streams import partition_name, partition_of
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until

HOME = partition_of("one", 4)


def row(number: int, subject: str = "one") -> tuple[int, Message]:
    return number, Message(subject, b"%d" % number, f"id-{number}", "t")


async def stored(run: Run) -> list[int]:
    stream = partition_name("orders", HOME)
    end = await end_offset(run.settings.stream_url, stream)
    return [
        int(body_of(record))
        async for chunk in read_stream(run.settings.stream_url, stream, 0, end)
        for record in chunk.records
    ]


async def test_ids_published_again_after_a_restart_are_stored_once(run: Run) -> None:
    """Trap: automatic ids are read again after a reconnect; explicit ones are deduplicated across restarts."""
    async with NamedPublisher(run.settings.stream_url, "orders", "relay") as publisher:
        assert await publisher.last_publishing_id(HOME) == 0
        await publisher.publish([row(number) for number in (3, 7, 8)])
        assert await publisher.last_publishing_id(HOME) == 8
    async with NamedPublisher(run.settings.stream_url, "orders", "relay") as publisher:
        await publisher.publish([row(number) for number in (3, 7, 8, 10)])
        await publisher.publish([row(11)])
        assert await publisher.last_publishing_id(HOME) == 11
    assert await stored(run) == [3, 7, 8, 10, 11]


async def test_a_plain_stream_is_one_partition(run: Run) -> None:
    """A partition by its own name is a plain stream."""
    async with NamedPublisher(run.settings.stream_url, partition_name("orders", HOME), "relay") as publisher:
        await publisher.publish([row(3, "one"), row(7, "two"), row(8, "three")])
        assert await publisher.last_publishing_id(0) == 8
    assert await stored(run) == [3, 7, 8]


async def test_the_broker_confirms_and_drops_what_lies_below_its_mark(run: Run) -> None:
    """Trap: one high-water id per name; anything lower is confirmed and thrown away, even if it was never stored."""
    stream = partition_name("orders", HOME)
    raw = await PartitionPublisher.open(Address.parse(run.settings.stream_url), stream, name="relay")
    deadline = asyncio.get_running_loop().time() + 30
    await raw.publish([entry(row(5)[1])], deadline, [5])
    await raw.publish([entry(row(4)[1])], deadline, [4])
    await raw.close()
    assert await stored(run) == [5]


async def test_ids_that_do_not_rise_are_refused_before_anything_is_sent(run: Run) -> None:
    async with NamedPublisher(run.settings.stream_url, "orders", "relay") as publisher:
        for rows in ([row(2), row(1)], [row(1), row(1)], [row(0)]):
            with pytest.raises(PublishRefused, match="rise"):
                await publisher.publish(rows)
        await publisher.publish([row(5)])
        with pytest.raises(PublishRefused, match="throw it away"):
            await publisher.publish([row(4), row(6)])
        await publisher.publish([row(6)])
    assert await stored(run) == [5, 6]


async def test_what_is_unconfirmed_must_come_again_before_newer_ids(run: Run) -> None:
    async with (
        proxied(run.settings.stream_url) as (url, proxy),
        NamedPublisher(url, "orders", "relay") as publisher,
    ):
        await publisher.publish([row(1)])
        proxy.freeze()
        call = asyncio.create_task(publisher.publish([row(2), row(3)], timeout=30))
        await until_sent(publisher, 2)
        proxy.cut()
        with pytest.raises(Unconfirmed):
            await call
        proxy.thaw()
        with pytest.raises(PublishRefused, match="id 2 of partition"):
            await publisher.publish([row(4)])
        await publisher.publish([row(2), row(3), row(4)])
    assert await stored(run) == [1, 2, 3, 4]


async def test_a_cancelled_call_counts_as_unconfirmed(run: Run) -> None:
    async with (
        proxied(run.settings.stream_url) as (url, proxy),
        NamedPublisher(url, "orders", "relay") as publisher,
    ):
        await publisher.publish([row(1)])
        proxy.freeze()
        call = asyncio.create_task(publisher.publish([row(2)]))
        await until_sent(publisher, 1)
        call.cancel()
        await asyncio.wait({call})
        proxy.thaw()
        with pytest.raises(PublishRefused, match="id 2 of partition"):
            await publisher.publish([row(3)])
        await publisher.publish([row(2), row(3)])
    assert await stored(run) == [1, 2, 3]


@pytest.mark.parametrize("name", ["", "ä", "x" * 256])
def test_a_name_the_frame_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="name"):
        NamedPublisher("rabbitmq-stream://localhost", "orders", name)


async def until_sent(publisher: NamedPublisher, count: int) -> None:
    async def sent() -> bool:
        return len(publisher._fleet._publishers[HOME]._flights) == count

    await until(sent, "the messages to be on their way")
