"""/api/events: what changes on the board is on the page without being asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from dashboards.operator import events, live
from dashboards.operator.server import running_board
from tests.board.stock import publish
from tests.board.support import asked, count_in
from tests.support.events import event, message
from tests.support.pipelines import running_pipeline
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until


@pytest.fixture
async def flowing(run: Run) -> AsyncIterator[Run]:
    """A run with an empty stream and its pipeline at work."""
    async with running_pipeline(run):
        yield run


async def frame_with(frames: AsyncIterator[tuple[str, str]], text: str) -> str:
    """Return the next frame that holds `text`."""
    async with asyncio.timeout(30):
        async for name, data in frames:
            assert name == "board"
            if text in data:
                return data
    raise AssertionError(f"the stream ended without {text}")


async def test_the_first_frame_holds_the_whole_board_and_the_next_only_what_changed(flowing: Run) -> None:
    async with asked(flowing.settings) as board, board.events() as frames:
        first = await frame_with(frames, "lane-initiated")
        assert first.count("<hx-partial") == 15
        await publish(flowing, message(event("A1", "initiated")))
        later = await frame_with(frames, "card-A1")
        assert count_in(later, "initiated") == 1
        assert "lane-shipped" not in later
        await publish(flowing, message(event("A1", "file_uploaded")))
        moved = await frame_with(frames, 'id="lane-file_uploaded"')
        assert "fresh" in moved
        if "lane-initiated" not in moved:
            moved = await frame_with(frames, 'id="lane-initiated"')
        assert count_in(moved, "initiated") == 0


async def test_one_lane_can_be_watched_alone_and_in_russian(flowing: Run) -> None:
    async with asked(flowing.settings) as board, board.events("/api/events?stage=submitted&lang=ru") as frames:
        first = await frame_with(frames, "lane-submitted")
        assert "Оформлен" in first
        assert first.count("<hx-partial") == 4


async def test_an_order_page_is_told_when_its_order_changes_and_not_for_others(flowing: Run) -> None:
    async with asked(flowing.settings) as board, board.events("/api/events?order=A1") as frames:
        await publish(flowing, message(event("A1", "initiated")))
        async with asyncio.timeout(30):
            assert await anext(frames) == ("order", "changed")


async def test_without_redis_the_checkpoints_are_looked_at(flowing: Run) -> None:
    async with (
        asked(flowing.settings, redis_url="redis://127.0.0.1:9/0") as board,
        board.events() as frames,
        board.events("/api/events?order=A1") as told,
    ):
        await frame_with(frames, "lane-initiated")
        await publish(flowing, message(event("A1", "initiated")))
        assert count_in(await frame_with(frames, "card-A1"), "initiated") == 1
        async with asyncio.timeout(30):
            assert await anext(told) == ("order", "changed")


async def test_announcements_that_are_lost_are_made_up_for(flowing: Run) -> None:
    settings = flowing.settings
    async with (
        proxied(settings.redis_url) as (url, proxy),
        asked(settings, redis_url=url) as board,
        board.events() as frames,
    ):
        await frame_with(frames, "lane-initiated")
        proxy.freeze()
        await publish(flowing, message(event("A1", "initiated")))
        await frame_with(frames, "card-A1")
        proxy.thaw()
        proxy.cut()
        await publish(flowing, message(event("A2", "initiated")))
        await frame_with(frames, "card-A2")


async def test_when_nothing_can_be_read_the_page_says_so_and_recovers(flowing: Run) -> None:
    settings = flowing.settings
    async with (
        proxied(settings.postgres_dsn) as (dsn, proxy),
        asked(settings, postgres_dsn=dsn, redis_url="redis://127.0.0.1:9/0") as board,
        board.events() as frames,
    ):
        await frame_with(frames, "lane-initiated")
        proxy.refusing = True
        proxy.cut()
        assert 'role="alert"' in await frame_with(frames, "Neither the database nor the cache answers")
        proxy.refusing = False
        assert 'role="alert"' not in await frame_with(frames, "The cache does not answer. All figures come")


async def test_a_client_that_does_not_read_costs_nothing_and_then_gets_the_latest(flowing: Run) -> None:
    async with asked(flowing.settings) as board, board.events() as frames:
        await frame_with(frames, "lane-initiated")
        host, port = httpx.URL(board.address).host, httpx.URL(board.address).port
        assert port is not None
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, (host, port))
        await loop.sock_sendall(slow, b"GET /api/events?stage=initiated HTTP/1.1\r\nHost: board\r\n\r\n")

        async def joined() -> bool:
            return await board.metric("warren_board_sse_clients") == 2

        await until(joined, "the slow client to be there")
        for number in range(40):
            await publish(flowing, message(event(f"B{number}", "initiated", hour=number)))
            await frame_with(frames, f"card-B{number}")
        received = await _read_until(slow, b"card-B39")
        slow.close()
        # What the sockets could hold, and then the latest; the quick reader has had forty.
        assert received.count(b"event: board") < 30


async def _read_until(client: socket.socket, text: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    received = b""
    async with asyncio.timeout(30):
        while text not in received:
            piece = await loop.sock_recv(client, 65536)
            assert piece, "the board hung up"
            received += piece
    return received


async def test_readers_who_leave_are_forgotten(flowing: Run) -> None:
    async with asked(flowing.settings) as board:
        for _ in range(3):
            async with board.events() as frames:
                await frame_with(frames, "lane-initiated")

        async def nobody() -> bool:
            return await board.metric("warren_board_sse_clients") == 0

        await until(nobody, "all readers to be gone")


async def test_a_stop_ends_open_streams(flowing: Run) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        async with running_board(flowing.settings) as address:
            response = await client.send(client.build_request("GET", f"{address}/api/events"), stream=True)
            pieces = response.aiter_bytes()
            assert await anext(pieces)
        async for _ in pieces:  # ends by itself, and cleanly: a cut stream would raise
            pass
        await response.aclose()


async def test_a_board_of_which_nothing_changes_says_that_it_is_alive(
    stocked: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 1.0)
    for often in ("REDRAW_SECONDS", "CHECK_SECONDS", "FRAME_SECONDS"):
        monkeypatch.setattr(live, often, 0.1)
    async with asked(stocked.settings) as board, board.client.stream("GET", "/api/events", timeout=30) as response:
        async with asyncio.timeout(30):
            lines = [line async for line in _first(response, "event: alive", 2)]
    assert lines.count("event: board") < 10


async def _first(response: httpx.Response, line: str, times: int) -> AsyncIterator[str]:
    async for one in response.aiter_lines():
        yield one
        times -= one == line
        if not times:
            return
