"""A connection that is dead says so: silence, unreadable frames, streams that go away."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import connection as connection_module
from pipelines.engine.transport import first_offset
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import StreamUnavailable
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


async def test_a_connection_the_broker_closes_says_why(run: Run) -> None:
    """rstream's own handler of the broker's goodbye fails, and the connection stays."""
    connection = await Connection.open(Address.parse(run.settings.stream_url), "test")
    await connection.send(b"\x00\x00\x00\x08\x77\x77\x00\x01\x00\x00\x00\x09")  # no such command
    assert "unknown frame" in await asyncio.wait_for(connection.wait_closed(), 30)
    await connection.close()


@pytest.mark.parametrize("step", range(1, 6))
async def test_a_cancellation_is_not_lost_while_a_dead_connection_is_tidied_up(run: Run, step: int) -> None:
    """Trap: rstream's `stop_task` takes the cancellation of whoever waits for that of the task."""
    async with proxied(run.settings.stream_url) as (url, proxy):
        connection = await Connection.open(Address.parse(url), "test")
        proxy.freeze()
        request = asyncio.create_task(connection.stats("orders-0"))
        await asyncio.sleep(0)
        proxy.cut()
        await connection.wait_closed()
        closing = asyncio.create_task(connection.close())
        for _ in range(step):
            await asyncio.sleep(0)
        waiting = {task for task in (request, closing) if not task.done()}
        for task in waiting:
            task.cancel()
        await asyncio.wait({request, closing})
        assert all(task.cancelled() for task in waiting)
        await connection.close()
