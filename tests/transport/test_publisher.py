"""The publisher: confirmed means stored, in order, in the right partition; what is not confirmed is named."""

from __future__ import annotations

import asyncio

import pytest

from cli.localservers import Addresses
from pipelines.engine.transport import (
    Message,
    SuperStreamPublisher,
    body_of,
    create_super_stream,
    end_offset,
    read_stream,
)
from pipelines.engine.transport import window as window_module
from schemas.errors import SettingsError, StreamMissing, StreamUnavailable, Unconfirmed
from schemas.streams import partition_name, partition_of
from tests.support.proxy import proxied
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until


def _message(subject: str, number: int, size: int = 100) -> Message:
    return Message(subject, f"{number:08d}".encode() + b"." * size, f"id-{number}", "order.note_added.v1")


async def _stored(run: Run, partition: int) -> list[bytes]:
    stream = partition_name(run.settings.super_stream, partition)
    end = await end_offset(run.settings.stream_url, stream)
    return [
        body_of(record)[:8]
        async for chunk in read_stream(run.settings.stream_url, stream, 0, end)
        for record in chunk.records
    ]


async def test_confirmed_messages_are_stored_in_order_in_their_home_partitions(run: Run) -> None:
    messages = [_message(f"order-{number % 37}", number) for number in range(20_000)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)
    for partition in range(4):
        expected = [m.body[:8] for m in messages if partition_of(m.subject, 4) == partition]
        assert expected
        assert await _stored(run, partition) == expected


async def test_concurrent_calls_are_all_confirmed_and_each_keeps_its_order(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        calls = [[_message("one", call * 1000 + n) for n in range(500)] for call in range(8)]
        await asyncio.gather(*(publisher.publish(messages) for messages in calls))
    stored = [int(body) for body in await _stored(run, partition_of("one", 4))]
    assert sorted(stored) == sorted(call * 1000 + n for call in range(8) for n in range(500))
    for call in range(8):
        mine = [number for number in stored if number // 1000 == call]
        assert mine == sorted(mine)


async def test_a_message_near_the_frame_limit_goes_through(run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([_message("big", n, size=300_000) for n in range(5)])
    assert len(await _stored(run, partition_of("big", 4))) == 5


async def test_the_window_bounds_what_is_in_flight(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "WINDOW", 50)
    most = 0
    original = window_module.PartitionPublisher._send

    async def spying(self: window_module.PartitionPublisher, *arguments: object) -> None:
        nonlocal most
        await original(self, *arguments)  # type: ignore[arg-type]
        most = max(most, len(self._flights))

    monkeypatch.setattr(window_module.PartitionPublisher, "_send", spying)
    monkeypatch.setattr(window_module, "_FRAME_TARGET", 4000)
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([_message("one", n) for n in range(3000)])
    assert 0 < most <= 50
    assert len(await _stored(run, partition_of("one", 4))) == 3000


async def test_a_stream_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(StreamMissing, match="topology apply"):
        await SuperStreamPublisher(run.settings.stream_url, "nowhere").__aenter__()


async def test_another_number_of_partitions_than_expected_is_refused(run: Run) -> None:
    """Every event's home depends on the number, and a broker that is just starting may know only some of them."""
    with pytest.raises(StreamUnavailable, match="has 4 partitions, 5 are expected"):
        await SuperStreamPublisher(run.settings.stream_url, "orders", 5).__aenter__()
    async with SuperStreamPublisher(run.settings.stream_url, "orders", 4) as publisher:
        await publisher.publish([_message("one", 1)])


async def test_nobody_there_is_said_in_one_line() -> None:
    with pytest.raises(StreamUnavailable, match="no broker at"):
        await SuperStreamPublisher("rabbitmq-stream://guest:guest@127.0.0.1:1/%2f", "orders").__aenter__()


async def test_a_cut_connection_leaves_the_unconfirmed_named_and_the_next_call_works(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish([_message("one", 0)])
        proxy.freeze()
        call = asyncio.create_task(publisher.publish([_message("one", n) for n in range(1, 11)]))
        flights = publisher._fleet._publishers[partition_of("one", 4)]._flights

        async def sent() -> bool:
            return len(flights) == 10

        await until(sent, "the messages to be on their way")
        proxy.cut()
        proxy.thaw()
        with pytest.raises(Unconfirmed) as failure:
            await call
        assert failure.value.indexes == tuple(range(10))
        await publisher.publish([_message("one", n) for n in range(1, 11)])
    stored = [int(body) for body in await _stored(run, partition_of("one", 4))]
    assert sorted(set(stored)) == list(range(11))


async def test_without_a_confirm_in_time_all_are_reported(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish([_message("one", 0)])
        proxy.freeze()
        with pytest.raises(Unconfirmed, match="no confirm in time") as failure:
            await publisher.publish([_message("one", 1), _message("one", 2)], timeout=0.5)
        assert failure.value.indexes == (0, 1)


async def test_making_a_super_stream_is_idempotent_and_never_changes_its_partitions(servers: Addresses) -> None:
    async with fresh_run(servers, prepared=False) as run:
        url = run.settings.stream_url
        assert await create_super_stream(url, "orders", 3) is True
        assert await create_super_stream(url, "orders", 3) is False
        with pytest.raises(SettingsError, match="added in place"):
            await create_super_stream(url, "orders", 5)
