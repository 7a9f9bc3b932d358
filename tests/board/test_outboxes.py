"""How the services' outboxes stand: on the board, live, and who holds one up."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dashboards.operator import outboxes
from pipelines.edges.outbox.installation import install
from pipelines.edges.outbox.lag import Lag, Writer
from pipelines.edges.outbox.reporting import REPORT_SECONDS
from pipelines.edges.outbox.reports import Report, reports_key
from tests.board.support import Board, asked, redis_of
from tests.board.test_live import frame_with
from tests.outbox.relaying import publish as write
from tests.support.processors import relay
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until

WELL = Lag("/shop", pending=0, oldest_s=None, relay_pid=7, writers=[])
HOLDER = Writer(
    4711, "7/21", "shop api", "idle in transaction", "UPDATE <b>orders</b>\n SET x = 1", age_s=3700.0, waiting=2
)


async def report(run: Run, lag: Lag, ago: float = 0.0) -> None:
    """Say what a relay would have said."""
    async with redis_of(run.settings) as redis:
        await redis.hset(reports_key(run.settings.redis_prefix), lag.source, Report(lag, time.time() - ago).to_json())


def panel(page: str) -> str:
    """The part of the page that is about outboxes, unescaped and without tags, each run of white space one space."""
    found = re.search(r'<section id="outboxes".*?</section>', page, re.DOTALL)
    assert found is not None
    return " ".join(unescape(re.sub("<[^>]*>", " ", found.group())).split())


async def test_a_relay_reports_what_waits_and_who_holds_it_up(
    own_stock: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = own_stock.settings.postgres_dsn
    await install(dsn, "/shop")
    writer = await asyncpg.connect(dsn, server_settings={"application_name": "shop api"})
    held, waits = writer.transaction(), await asyncpg.connect(dsn)
    async with (
        relay(own_stock, tmp_path / "relay.log") as child,
        asked(own_stock.settings) as board,
        board.events() as frames,
    ):
        await frame_with(frames, "Outbox of Shop")
        await held.start()
        await write(writer, "A1", "initiated")
        blocked = asyncio.create_task(write(waits, "A1", "file_uploaded"))
        pid = writer.get_server_pid()
        frame = await frame_with(frames, f"Connection {pid}")
        assert "application shop api" in frame
        while "transactions waiting for it: 1." not in frame:
            frame = await frame_with(frames, f"Connection {pid}")
        (standing,) = (await board.json("/api/outboxes"))["outboxes"]
        assert (standing["source"], standing["relayed"], standing["silent"]) == ("/shop", True, False)
        (one,) = standing["writers"]
        assert (one["pid"], one["waiting"], one["state"]) == (pid, 1, "idle in transaction")
        assert one["query"].startswith("SELECT warren_outbox.publish(")
        await held.commit()
        await blocked
        while f"Connection {pid}" in frame:
            frame = await frame_with(frames, "Outbox of Shop")
        child.kill()
        monkeypatch.setattr(outboxes, "SILENT", timedelta(seconds=2 * REPORT_SECONDS))

        async def silent() -> bool:
            return bool((await board.json("/api/outboxes"))["outboxes"][0]["silent"])

        await until(silent, "the relay to be taken for gone")
        await frame_with(frames, "silent for")
    await writer.close()
    await waits.close()


async def test_where_there_are_no_outboxes_nothing_is_said_of_them(board: Board) -> None:
    page = await board.text("/")
    assert panel(page) == ""
    assert re.search(r'<section id="outboxes"[^>]* hidden>', page)
    assert await board.json("/api/outboxes") == {"cache_away": False, "outboxes": []}


async def shown(run: Run, *, language: str = "en", **changes: Any) -> str:
    """The panel of a board that was just started."""
    async with asked(run.settings, **changes) as board:
        return panel(await board.text(f"/?lang={language}"))


async def test_each_state_is_told_in_both_languages(run: Run) -> None:
    await report(run, WELL)
    assert await shown(run) == "Outbox of Shop 0 waiting"
    assert await shown(run, language="ru") == "Исходящие: Магазин ждут: 0"
    await report(run, replace(WELL, pending=100_000, oldest_s=125.0))
    assert await shown(run) == "Outbox of Shop 100 000+ waiting the oldest for 2 min"
    await report(run, replace(WELL, relay_pid=None))
    assert await shown(run) == "Outbox of Shop 0 waiting no relay works"
    await report(run, replace(WELL, source="/partners/acme"), ago=60.0)
    assert (await shown(run)).startswith("Outbox of partners/acme 0 waiting silent for 1 min")


async def test_a_transaction_is_shown_once_it_holds_up_for_longer_than_usual(run: Run) -> None:
    await report(run, replace(WELL, writers=[replace(HOLDER, age_s=0.5)]))
    assert await shown(run) == "Outbox of Shop 0 waiting"
    await report(run, replace(WELL, writers=[HOLDER]))
    said = await shown(run)
    assert "has been open for 1 h 1 min" in said
    assert "Connection 4711, application shop api, transactions waiting for it: 2." in said
    assert said.endswith("UPDATE <b>orders</b> SET x = 1"), "as text, on one line"
    await report(run, replace(WELL, writers=[replace(HOLDER, query="SELECT " + "x" * 500)]))
    assert (await shown(run)).endswith(f"SELECT {'x' * 193}…")
    await report(run, replace(WELL, writers=[HOLDER]), ago=60.0)
    assert "4711" not in await shown(run), "it may be gone since"


async def test_a_report_that_cannot_be_read_hides_no_other(run: Run) -> None:
    await report(run, WELL)
    async with redis_of(run.settings) as redis:
        for source, body in {"/crm": b"{", "/mes": b'{"at": 1}', "/x": b"[]"}.items():
            await redis.hset(reports_key(run.settings.redis_prefix), source, body)
    assert await shown(run) == "Outbox of Shop 0 waiting"


async def test_without_redis_the_board_says_what_it_knows_and_since_when_not(own_stock: Run) -> None:
    await report(own_stock, WELL)
    settings = own_stock.settings
    async with proxied(settings.redis_url) as (url, proxy), asked(settings, redis_url=url) as board:
        assert "Outbox of Shop" in panel(await board.text("/"))
        proxy.refusing = True
        proxy.cut()

        async def noticed() -> bool:
            return bool((await board.json("/api/outboxes"))["cache_away"])

        await until(noticed, "the board to see that Redis is away")
        said = panel(await board.text("/"))
        assert "Outbox of Shop" in said
        assert "this is how the outboxes stood" in said
    assert "is not known" in await shown(own_stock, redis_url="redis://127.0.0.1:9/0")
