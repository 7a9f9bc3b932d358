"""The Olist orders, imported and folded in memory, equal what DuckDB computes straight from the CSV files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import pytest

from processors.orders.fold import fold
from schemas.orders import parse
from schemas.views import OrderState
from tests.importer import olist
from tests.importer.olist import Standing, Step, Truth

RECORDED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def events(truth: Truth) -> list[bytes]:
    """The sample's events, in the order in which they would be published."""
    published: list[bytes] = []

    async def publish(batch: Sequence[bytes]) -> None:
        published.extend(batch)

    result = await olist.import_sample(publish)
    assert (result.rows, result.orders, result.events, result.confirmed) == (
        olist.ORDERS, olist.ORDERS, olist.EVENTS, olist.EVENTS,
    )  # fmt: skip
    assert len(published) == olist.EVENTS
    return published


def test_timelines_and_standings_equal_the_truth(events: list[bytes], truth: Truth) -> None:
    states: dict[str, OrderState] = {}
    timelines: dict[str, list[Step]] = {}
    for offset, body in enumerate(events):
        event = parse(body).event
        state, entry = fold(states.get(event.subject), event, offset, RECORDED_AT)
        states[event.subject] = state
        words = tuple(str(word) for word in entry.anomalies)
        step = Step(event.id, event.source, event.time, str(entry.stage), entry.held_seconds, words)
        timelines.setdefault(event.subject, []).append(step)
    assert timelines == truth.timelines()
    standings = {
        order_id: Standing(str(s.stage), s.partner, s.customer_id, s.opened_at, s.revision, s.anomalies)
        for order_id, s in states.items()
    }
    assert standings == truth.standings()


def test_the_anomalies_are_those_the_files_are_known_for(truth: Truth) -> None:
    found = Counter(
        f"{step.event_id.rsplit(':')[-1]} {word}"
        for steps in truth.timelines().values()
        for step in steps
        for word in step.anomalies
    )
    assert found == {
        # 77 orders reached the carrier before they were approved: 3 of them before they were bought, 3 of them
        # reached the customer before the approval, too.
        "shipped skipped": 77,
        "submitted out_of_step": 3,
        "approved out_of_step": 74,
        "approved after_end": 3,
        # 3 more reached the customer before the carrier.
        "delivered skipped": 3,
        "shipped after_end": 3,
        # 75 were cancelled although the carrier had them, 6 of those although the customer had them.
        "canceled not_allowed": 69,
        "canceled after_end": 6,
    }


def test_items_and_their_money_are_those_of_the_files_to_the_cent(events: list[bytes], truth: Truth) -> None:
    imported = []
    for body in events:
        fields = orjson.loads(body)
        for place, item in enumerate(fields["data"].get("items", []), start=1):
            assert item["price"]["currency"] == item["freight"]["currency"] == "BRL"
            price, freight = item["price"]["amount"], item["freight"]["amount"]
            imported.append((fields["subject"], place, item["item_id"], item["seller_id"], price, freight))
    assert sorted(imported) == sorted(truth.rows("FROM truth_items"))


def test_a_time_that_came_twice_is_the_first_of_the_two(events: list[bytes], truth: Truth) -> None:
    # On 2017-02-18 the hour from 23:00 came twice in Sao Paulo; one order of the sample was bought in it.
    [order_id] = truth.rows("SELECT order_id FROM orders_csv WHERE order_purchase_timestamp = '2017-02-18 23:41:47'")[0]
    times = [parse(body).event.time for body in events if f"olist:{order_id}:submitted".encode() in body]
    assert times == [datetime(2017, 2, 19, 1, 41, 47, tzinfo=UTC)]


async def test_importing_again_gives_the_same_bytes(events: list[bytes]) -> None:
    again: list[bytes] = []

    async def publish(batch: Sequence[bytes]) -> None:
        again.extend(batch)

    await olist.import_sample(publish)
    assert again == events
