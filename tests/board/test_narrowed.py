"""A board of some orders only: by partner, by where they came from, stuck ones, those with anomalies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cli.localservers import Addresses
from dashboards.operator.listing import listings, walk
from schemas.lifecycle import Stage
from tests.board.crowd import NOW, Order, crowd, settled
from tests.board.stock import fresh_life, publish
from tests.board.support import asked, count_in
from tests.board.test_live import frame_with
from tests.support.events import event, message
from tests.support.pipelines import running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

ORDERS = crowd(3000, seed=5)


@pytest.fixture(scope="module")
async def crowded(servers: Addresses) -> AsyncIterator[Run]:
    """An environment whose tables hold ORDERS."""
    async with settled(servers, ORDERS) as run:
        yield run


def meant(order: Order, question: dict[str, Any]) -> bool:
    opened_by = {"partners": "/partners/", None: ""}.get(question.get("source"), f"/{question.get('source')}")
    return (
        question.get("partner") in (None, order.partner)
        and order.opened_by.startswith(opened_by)
        and (not question.get("stuck") or order.stuck(NOW))
        and (not question.get("odd") or order.anomalies > 0)
    )


def in_lane(stage: Stage, question: dict[str, Any]) -> list[Order]:
    """All orders in question of a stage, in its lane's sequence."""
    found = [order for order in ORDERS if order.stage == stage and meant(order, question)]
    return sorted(found, key=lambda order: (order.since, order.order_no), reverse=not question.get("stuck"))


QUESTIONS: list[dict[str, Any]] = [
    {"partner": "acme"},
    {"partner": "rare", "odd": 1},
    {"partner": "nobody"},
    {"source": "partners"},
    {"source": "crm", "stuck": 1},
    {"stuck": 1},
    {"odd": 1},
    {"partner": "beta", "stuck": 1, "odd": 1},
]


@pytest.mark.parametrize("furthest", [20, 5000])
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
async def test_every_lane_shows_its_orders_and_no_number_is_too_high(
    crowded: Run, question: dict[str, Any], furthest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "FURTHEST", furthest)
    monkeypatch.setattr(listings, "FURTHEST", furthest)
    async with asked(crowded.settings) as board:
        page = await board.text("/", params=question)
    for stage in Stage:
        expected = in_lane(stage, question)
        lane = page[page.index(f'id="lane-{stage}"') :]
        lane = lane[: lane.index("</section>")]
        shown = re.findall(r'class="id">([^<]+)<', lane)
        assert shown == [order.order_id for order in expected[: len(shown)]]
        at_least = "+</p>" in lane
        if furthest == 5000:
            assert len(shown) == min(6, len(expected))
            if {"partner", "odd", "stuck"} >= set(question) and not {"stuck", "partner"} <= set(question):
                assert not at_least, "counts say how many there are"
        count = count_in(page, stage)
        assert count <= len(expected)
        assert at_least or count == len(expected)


async def test_one_lane_of_some_orders_leads_back_to_all_lanes_and_on_to_the_table(crowded: Run) -> None:
    async with asked(crowded.settings) as board:
        page = await board.text("/", params={"stage": "submitted", "partner": "acme"})
        expected = in_lane(Stage.SUBMITTED, {"partner": "acme"})
        shown = re.findall(r'class="id">([^<]+)<', page)
        assert shown == [order.order_id for order in expected[:200]]
        assert 'href="/?partner=acme"' in page
        assert 'hx-sse:connect="/api/events?stage=submitted&amp;partner=acme"' in page
        all_lanes = await board.text("/", params={"partner": "acme"})
        assert 'href="/?stage=submitted&amp;partner=acme"' in all_lanes


async def test_machines_may_narrow_it_too(crowded: Run) -> None:
    async with asked(crowded.settings) as board:
        answer = await board.json("/api/board", odd=1, partner="acme", limit=200)
        odd = [order for order in ORDERS if order.partner == "acme" and order.anomalies]
        assert {order["order_id"] for order in answer["orders"]} == {order.order_id for order in odd}
        assert answer["source"] == "database"
        # What is narrowed are the lanes; the counts are of all orders.
        assert sum(answer["counts"].values()) == len(ORDERS)


async def test_it_is_live_too(run: Run) -> None:
    acme = "/partners/acme"
    async with (
        running_pipeline(run),
        asked(run.settings) as board,
        board.events("/api/events?partner=acme") as frames,
    ):
        assert count_in(await frame_with(frames, "lane-initiated"), "initiated") == 0
        await publish(run, message(event("acme:1", "initiated", source=acme)), message(event("B1", "initiated")))
        frame = await frame_with(frames, "card-acme:1")
        assert count_in(frame, "initiated") == 1
        assert "card-B1" not in frame


async def test_many_who_look_at_the_same_ask_once_and_nothing_is_kept_of_those_who_left(run: Run) -> None:
    async with running_pipeline(run), asked(run.settings) as board:
        await publish(run, *fresh_life("A1", ("initiated",), ago=timedelta(minutes=1)))

        async def reads() -> float:
            return await board.metric('warren_board_database_reads_total{what="lanes"}')

        async with board.events("/api/events?odd=1") as one, board.events("/api/events?odd=1") as other:
            await frame_with(one, "lane-initiated")
            await frame_with(other, "lane-initiated")
        assert 1 <= await reads() <= 3

        async def nobody() -> bool:
            return await board.metric("warren_board_sse_clients") == 0

        await until(nobody, "both to be gone")
        before = await reads()
        await publish(run, message(event("A1", "file_uploaded")))
        async with board.events() as all_of_them:
            await frame_with(all_of_them, "card-A1")
        assert await reads() <= before + 1


async def test_what_makes_no_sense_is_refused(crowded: Run) -> None:
    async with asked(crowded.settings) as board:
        for path in ("/?source=nobody", "/?stuck=perhaps", "/api/events?partner=%00", "/?stage=nowhere"):
            assert (await board.client.get(path)).status_code == 422
