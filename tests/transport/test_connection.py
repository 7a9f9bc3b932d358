"""A connection that is dead says so: silence, unreadable frames, streams that go away."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Message, SuperStreamPublisher, first_offset
from pipelines.engine.transport import connection as connection_module
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import SettingsError, StreamUnavailable
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.transport.conftest import Collector, MemoryPositions, consuming, member, publish, received


async def test_a_broker_gone_silent_is_noticed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 1)
    async with proxied(run.settings.stream_url) as (url, proxy):
        connection = await Connection.open(Address.parse(url), "test")
        proxy.freeze()
        assert "silent" in await asyncio.wait_for(connection.wait_closed(), 30)
        assert not connection.is_open
        await connection.close()


async def test_a_waiting_request_fails_at_once_when_the_connection_is_lost(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy):
        connection = await Connection.open(Address.parse(url), "test")
        proxy.freeze()
        request = asyncio.create_task(connection.stats("orders-0"))
        await asyncio.sleep(0)
        proxy.cut()
        with pytest.raises(StreamUnavailable):
            await asyncio.wait_for(request, 5)
        await connection.close()


async def test_a_corrupted_chunk_is_not_used_and_nothing_is_lost(run: Run) -> None:
    """rstream's listener dies of a bad checksum while it still calls the connection alive."""
    await publish(run, 0, 10)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with proxied(run.settings.stream_url) as (url, proxy):
        consumer = member(url, "orders", positions)
        async with consuming(consumer, collector) as task:
            await received(collector, 10)
            proxy.spoil = lambda piece: piece.replace(b"marked", b"MARKED")
            async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
                await publisher.publish_to(0, [Message("x", b"marked", "m", "t")])
            with pytest.raises(StreamUnavailable, match="unreadable frame"):
                await asyncio.wait_for(asyncio.shield(task), 30)
        proxy.spoil = None
        async with consuming(consumer, collector):
            await received(collector, 11)
    assert collector.offsets == list(range(11))


async def test_a_deleted_stream_ends_its_consumer(run: Run) -> None:
    await publish(run, 0, 10)
    positions = MemoryPositions()
    collector = Collector(positions)
    async with consuming(member(run.settings.stream_url, "orders", positions), collector) as task:
        await received(collector, 10)
        other = await Connection.open(Address.parse(run.settings.stream_url), "test")
        await other.request(lambda client: client.delete_stream("orders-0"))
        await other.close()
        with pytest.raises(StreamUnavailable, match="became unavailable"):
            await asyncio.wait_for(asyncio.shield(task), 30)


async def test_closing_is_safe_twice_and_an_empty_stream_begins_at_zero(run: Run) -> None:
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    assert (await connection.stats("orders-0"))["first_chunk_id"] == -1
    await connection.close()
    await connection.close()
    assert await first_offset(run.settings.stream_url, "orders-0") == 0


async def test_wrong_credentials_are_refused_in_one_line(run: Run) -> None:
    url = run.settings.stream_url.replace("guest:guest", "guest:wrong")
    with pytest.raises(StreamUnavailable, match="with this password") as refusal:
        await Connection.open(Address.parse(url), "test")
    assert "wrong" not in str(refusal.value)


@pytest.mark.parametrize("url", ["amqp://localhost", "localhost:5552", "rabbitmq-stream://"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        Address.parse(url)
