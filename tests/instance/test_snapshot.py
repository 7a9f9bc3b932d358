"""What a rebuild of the hot cache reads: each lane's newest orders and all counts, of one partition."""

from __future__ import annotations

import pytest

from pipelines.flows.views import projection
from pipelines.flows.views.projection import Views
from tests.instance.direct import batch, instance, orders_of
from tests.support.events import event
from tests.support.runs import Run

LONGEST = 3


async def test_each_lane_has_its_newest_orders_whoever_sent_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "LANE_LENGTH", LONGEST)
    here, there = orders_of(0, 12), orders_of(1, 4)
    lanes = {"initiated": here[:5], "submitted": here[5:7], "packaging": here[7:8], "cancelled": here[8:]}
    partners = ["", "acme", "zeta"]
    events, expected = [], dict[str, list[str]]()
    for lane, orders in lanes.items():
        for place, order_id in enumerate(orders):
            data = {"partner": partners[place % 3]} if partners[place % 3] else {}
            hour = 7 * place % 5  # not in the order of their numbers
            events.append(event(order_id, "initiated", hour=hour, data=data))
            if lane != "initiated":
                events.append(event(order_id, lane, hour=hour + 6))
        hours = {order_id: 7 * place % 5 for place, order_id in enumerate(orders)}
        expected[lane] = sorted(orders, key=hours.__getitem__, reverse=True)[:LONGEST]
    async with instance(run, claim=(0, 1)) as running:
        await running.commit(batch(events))
        await running.commit(batch([event(order_id, "initiated", hour=20) for order_id in there], partition=1))
    connection = await run.connect()
    cards, counts = await Views().snapshot(connection, 0)
    found: dict[str, list[str]] = {lane: [] for lane in lanes}
    for card in sorted(cards, key=lambda card: card.after.score, reverse=True):
        found[card.after.lane].append(card.order_id)
    assert found == expected
    assert sum(counts.values()) == len(here)
    await connection.close()


async def test_a_count_below_zero_does_not_keep_the_cache_from_being_built(run: Run) -> None:
    """A defect elsewhere, which the audit names; the board goes on."""
    first, second = orders_of(0, 2)
    async with instance(run) as running:
        await running.commit(batch([event(first, "initiated"), event(second, "submitted")]))
    connection = await run.connect()
    await connection.execute("UPDATE counts SET orders = -1 WHERE stage = 'initiated'")
    cards, _ = await Views().snapshot(connection, 0)
    assert [card.order_id for card in cards] == [second]
    await connection.close()
