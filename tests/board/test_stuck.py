"""Where orders are stuck: the page, its figures and the metric, over real tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from html import unescape

import pytest

from cli.localservers import Addresses
from schemas.lifecycle import STAGES, Stage
from tests.board.crowd import NOW, crowd, settled
from tests.board.stock import at, publish
from tests.board.support import asked
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

ORDERS = [order for order in crowd(1500, seed=3) if order.open]


@pytest.fixture(scope="module")
async def crowded(servers: Addresses) -> AsyncIterator[Run]:
    """An environment whose tables hold ORDERS, none of which has ever left a stage too late."""
    async with settled(servers, ORDERS) as run:
        yield run


async def test_orders_past_their_target_are_counted_by_stage_and_holder(crowded: Run) -> None:
    async with asked(crowded.settings) as board:
        answer = await board.json("/api/stuck")
        text = await board.text("/metrics")
    expected = Counter((order.stage, STAGES[order.stage].holder) for order in ORDERS if order.stuck(NOW))
    found = {(place["stage"], place["holder"]): place["orders"] for place in answer["places"] if place["orders"]}
    assert found == {(str(stage), str(holder)): number for (stage, holder), number in expected.items()}
    for (stage, holder), number in expected.items():
        assert f'warren_orders_stuck{{holder="{holder}",stage="{stage}"}} {float(number)}' in text
    for place in answer["places"]:
        late = [order.since for order in ORDERS if order.stage == place["stage"]]
        assert place["since"] == min(late).date().isoformat()
        target = STAGES[Stage(place["stage"])].target
        assert target is not None
        yesterday = NOW.replace(hour=0, minute=0, second=0)
        assert place["trend"][-2] == sum(since < yesterday - target for since in late)
        assert place["trend"][-1] == place["orders"]


async def test_the_page_leads_to_the_orders_and_shows_the_worst_first(crowded: Run) -> None:
    worst = sorted((order for order in ORDERS if order.stuck(NOW)), key=lambda order: (order.since, order.order_no))
    async with asked(crowded.settings) as board:
        page = unescape(await board.text("/stuck"))
        assert f"Stuck now: {len(worst):,}".replace(",", "\u202f") in page
        places = [page.index(f'href="/orders/{order.order_id}"') for order in worst[:20]]
        assert places == sorted(places)
        assert 'href="/orders?stage=shipped&holder=crm&stuck=1"' in page
        listed = await board.json("/api/orders", stage="shipped", holder="crm", stuck=1)
    assert [order["order_id"] for order in listed["orders"]] == [o.order_id for o in worst if o.stage == "shipped"][:50]


async def test_what_was_stuck_and_has_gone_on_stays_in_the_trend(run: Run) -> None:
    """By the real pipeline: a price that should take an hour took two days, and came an hour ago."""
    submitted = event("A1", "submitted", time=at(timedelta(days=2, hours=1)))
    priced = event("A1", "price_calculated", time=at(timedelta(minutes=1)))
    async with running_pipeline(run):
        await publish(run, message(submitted))
        await caught_up(run)
        async with asked(run.settings) as board:
            [before] = (await board.json("/api/stuck"))["places"]
        await publish(run, message(priced))
        await caught_up(run)
        async with asked(run.settings) as board:
            [after] = (await board.json("/api/stuck"))["places"]
    assert (before["stage"], before["holder"], before["orders"]) == ("submitted", "pricing", 1)
    assert date.fromisoformat(before["since"]) == (NOW - timedelta(days=2, hours=1)).date()
    assert before["trend"][-3:] == [1, 1, 1]
    assert (after["orders"], after["since"]) == (0, None)
    assert after["trend"][:-1] == before["trend"][:-1]


async def test_nothing_stuck_says_so(run: Run) -> None:
    async with asked(run.settings) as board:
        assert "No order is stuck." in await board.text("/stuck")
        assert (await board.json("/api/stuck"))["places"] == []


async def test_both_languages_say_it(crowded: Run) -> None:
    async with asked(crowded.settings) as board:
        assert "Сейчас застряло" in await board.text("/stuck?lang=ru")
