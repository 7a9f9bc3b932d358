"""The pages as they are sent, before any script has run."""

from __future__ import annotations

import logging
import re
from html import unescape
from urllib.parse import quote

import orjson
import pytest

from dashboards.operator.texts import LANGUAGES
from pipelines.engine.transport import Message
from tests.board.stock import NASTY, publish
from tests.board.support import Board, asked, count_in
from tests.support.events import event
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

EVERY_PAGE = [
    "/",
    "/?stage=submitted",
    "/orders",
    "/orders?stuck=1",
    "/find?q=S",
    "/orders/S10-1",
    "/orders/STUCK-1",
    "/orders/WAIT-1",
    "/orders/ODD-1",
]


async def test_the_board_has_a_lane_for_each_stage_with_its_count(board: Board) -> None:
    page = await board.text("/")
    counts = (await board.json("/api/board"))["counts"]
    lanes = re.findall(r'<section id="lane-(\w+)"', page)
    assert lanes[0] == "unopened"
    assert lanes[-2:] == ["closed", "cancelled"]
    assert {stage: count_in(page, stage) for stage in lanes} == {stage: counts.get(stage, 0) for stage in lanes}


async def test_the_order_page_tells_its_story(board: Board) -> None:
    page = unescape(await board.text("/orders/ODD-1"))
    for words in ("Approved", "held by MES", "from /pricing", "orders-", "offset", "10\u202fmin", "trace 0af76519"):
        assert words in page
    assert "Out of step: the order has passed this stage already" in page
    assert "Stuck" in await board.text("/orders/STUCK-1")
    assert "All its events are parked" in await board.text("/orders/WAIT-1")


async def test_nothing_from_outside_becomes_markup(board: Board) -> None:
    place = f"/orders/{quote(NASTY, safe=':')}"
    for path in ("/", place):
        page = await board.text(path)
        assert NASTY not in page
        assert NASTY in unescape(page)
    assert place in (await board.text("/"))
    missing = await board.text("/orders/" + quote("<script>alert(1)<script>"), 404)
    assert "<script>alert" not in missing


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/orders/NOPE", "/nowhere", "/?stage=nowhere", "//evil.example/x"])
async def test_every_page_may_load_only_from_here_and_runs_nothing_inline(board: Board, path: str) -> None:
    response = await board.client.get(board.address + path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src=)", response.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', response.text)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_every_page_is_there_in_every_language(board: Board, path: str, language: str) -> None:
    page = await board.text(path, headers={"Accept-Language": language})
    assert f'<html lang="{language}"' in page


async def test_the_language_asked_for_is_remembered(board: Board) -> None:
    assert "Under way" in await board.text("/")
    assert "В работе" in await board.text("/?lang=ru")
    assert "В работе" in await board.text("/")
    assert "В работе" in await board.text("/", headers={"Accept-Language": "en"})


async def test_a_search_goes_to_the_order(board: Board) -> None:
    response = await board.client.get("/find", params={"q": "  acme:7 "})
    assert (response.status_code, response.headers["location"]) == (303, "/orders/acme:7")
    response = await board.client.get("/find", params={"q": NASTY}, follow_redirects=True)
    assert response.status_code == 200
    assert (await board.client.get("/find", params={"q": " "})).headers["location"] == "/orders"


async def test_what_is_not_there_gets_a_friendly_page(board: Board) -> None:
    page = unescape(await board.text("/orders/NOPE", 404))
    assert "There is no order “NOPE”." in page
    assert 'value="NOPE"' in page
    assert "no such page" in await board.text("/nowhere", 404)


async def test_a_raw_event_can_be_read_with_and_without_scripts(board: Board) -> None:
    entry = (await board.json("/api/orders/S1-0"))["timeline"][0]
    path = f"/orders/S1-0/events/{entry['stream_offset']}"
    plain = await board.client.get(path)
    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.json()["id"] == entry["event_id"]
    part = await board.text(path, headers={"HX-Request": "true"})
    assert part.startswith("<pre")
    assert entry["event_id"] in unescape(part)
    assert (await board.client.get("/orders/S1-0/events/999999")).status_code == 404


async def test_an_event_nested_too_deep_to_be_written_again_is_shown_as_it_came(run: Run) -> None:
    deep = orjson.dumps(event("A1", "initiated") | {"extension": "@"}).replace(b'"@"', b"[" * 300 + b"]" * 300)
    async with running_pipeline(run), asked(run.settings) as board:
        await publish(run, Message("A1", deep, "deep", "order.initiated.v1"))
        await caught_up(run)
        [entry] = (await board.json("/api/orders/A1"))["timeline"]
        assert (await board.text(f"/orders/A1/events/{entry['stream_offset']}")).encode() == deep


async def test_no_page_lets_others_frame_it_or_give_it_scripts(board: Board) -> None:
    for path in ("/", "/orders/NOPE", "/static/live.js", "/api/board"):
        policy = dict(
            part.strip().split(" ", 1)
            for part in (await board.client.get(path)).headers["content-security-policy"].split(";")
        )
        assert policy["frame-ancestors"] == "'none'"
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders/%00", 404),
        ("/orders/S1-0%00", 404),
        ("/api/orders/%00", 404),
        ("/api/board?q=%00", 422),
        ("/orders/%00/events/1", 404),
        ("/orders/S1-0/events/9223372036854775807", 404),
        ("/orders/S1-0/events/9223372036854775808", 404),
        ("/orders/S1-0/events/99999999999999999999", 404),
        ("/orders/S1-0/events/-99999999999999999999", 404),
    ],
)
async def test_what_postgres_cannot_hold_is_not_there_and_nobody_is_warned(
    board: Board, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    assert "does not answer" not in await board.text(path, status)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_empty_board_says_what_to_expect(run: Run) -> None:
    async with asked(run.settings) as board:
        page = await board.text("/")
        assert "No orders yet." in page
        assert page.count("No orders</p>") == 12
        assert (await board.json("/api/board"))["counts"] == {}
