"""An order's rows to its events."""

from __future__ import annotations

import pytest

from tests.importer.shop import MAPPING, import_shop, line, order


async def test_an_order_gives_its_events_with_stable_ids() -> None:
    _, events, _ = await import_shop(
        order(partner="acme", sent="2026-03-04"), lines=[line(), line(sku="cog", price="0.2")]
    )
    assert events == [
        {
            "specversion": "1.0",
            "id": "shop:A1:bought",
            "source": "/shop",
            "type": "order.submitted.v1",
            "subject": "A1",
            "time": "2026-03-02T08:30:00Z",
            "datacontenttype": "application/json",
            "data": {
                "customer_id": "c1",
                "partner": "acme",
                "items": [{"item_id": "gear", "quantity": 2}, {"item_id": "cog", "quantity": 2}],
            },
        },
        {
            "specversion": "1.0",
            "id": "shop:A1:priced",
            "source": "/crm",
            "type": "order.price_calculated.v1",
            "subject": "A1",
            "time": "2026-03-02T08:30:00Z",
            "datacontenttype": "application/json",
            "data": {"price": {"amount": "10.30", "currency": "EUR"}, "list": "retail"},
        },
        {
            "specversion": "1.0",
            "id": "shop:A1:sent",
            "source": "/mes",
            "type": "order.shipped.v1",
            "subject": "A1",
            "time": "2026-03-03T23:00:00Z",
            "datacontenttype": "application/json",
            "data": {},
        },
    ]


async def test_events_come_in_the_order_in_which_they_happened() -> None:
    _, events, _ = await import_shop(order(bought="2026-03-02 09:30", sent="2026-03-01 00:00"))
    assert [event["id"] for event in events] == ["shop:A1:sent", "shop:A1:bought"]


async def test_at_one_time_the_life_s_order_decides_and_a_cancellation_comes_last() -> None:
    row = order(bought="2026-03-02 09:30", sent="2026-03-02 09:30", state="off")
    # The mapping tells them in another order: the cancellation first.
    before, called_off = MAPPING.split("[events.called_off]")
    head, others = before.split("[events.bought]", 1)
    mapping = f"{head}[events.called_off]{called_off}[events.bought]{others}"
    _, events, _ = await import_shop(row, lines=[line()], mapping=mapping)
    assert [event["type"].split(".")[1] for event in events] == [
        "submitted",
        "price_calculated",
        "shipped",
        "cancelled",
    ]


async def test_an_event_whose_condition_does_not_hold_did_not_happen() -> None:
    for state, happened in (("", False), ("offline", False), ("off", True), ("void", True)):
        _, events, _ = await import_shop(order(state=state))
        assert ("shop:A1:called_off" in [event["id"] for event in events]) is happened, state


async def test_the_latest_and_the_earliest_of_several_times() -> None:
    row = order(bought="2026-03-02 09:30", sent="2026-03-01 00:00", state="off")
    for word, expected in (("latest_of", "2026-03-02T08:30:00Z"), ("earliest_of", "2026-02-28T23:00:00Z")):
        _, events, _ = await import_shop(row, mapping=MAPPING.replace("latest_of", word))
        assert [event["time"] for event in events if event["id"] == "shop:A1:called_off"] == [expected]


async def test_an_empty_column_leaves_its_field_out() -> None:
    _, [event], _ = await import_shop(order(customer="", partner=""), lines=[line(pieces="", price="", shipping="")])
    assert event["data"] == {"items": [{"item_id": "gear"}]}


async def test_money_is_added_exactly_and_spelt_in_one_way() -> None:
    for cells, expected in (
        (["0.1", "0.2"], "0.30"),
        (["999999999999999", "0.000001"], "999999999999999.000001"),
        (["12.5", "-2.50"], "10.00"),
        (["12.500000"], "12.50"),
        (["7"], "7.00"),
    ):
        _, events, _ = await import_shop(order(), lines=[line(price=cell) for cell in cells])
        assert events[1]["data"]["price"] == {"amount": expected, "currency": "EUR"}, cells


async def test_the_currency_may_be_a_column() -> None:
    mapping = MAPPING.replace('currency = "EUR"', 'currency = { column = "state" }')
    _, events, _ = await import_shop(order(state="JPY"), lines=[line()], mapping=mapping)
    assert events[1]["data"]["price"] == {"amount": "10.10", "currency": "JPY"}
    _, _, [reject] = await import_shop(order(state="shells"), lines=[line()], mapping=mapping)
    assert "shells" in reject.reason


HISTORY = """
    name = "shop"
    zone = "UTC"

    [main]
    table = "orders"
    order_id = "id"

    [joined.sent]
    table = "lines"
    key = "order"
    where = { column = "sku", equals = "sent" }
    keep = "last"

    [joined.returned]
    table = "lines"
    key = "order"
    where = { column = "sku", equals = "returned" }

    [events.sent]
    type = "order.shipped.v1"
    source = "/mes"
    time = "sent.price"

    [events.returned]
    type = "order.cancelled.v1"
    source = "/crm"
    time = "returned.price"
    data = { reason = { constant = "came back" } }
"""


@pytest.mark.parametrize(("keep", "day"), [("first", "05"), ("last", "07"), ("all", "05")])
async def test_a_history_table_joined_once_per_state_gives_each_state_its_time(keep: str, day: str) -> None:
    lines = [
        line(sku="sent", price="2026-03-05"),
        line(sku="packed", price="2026-03-09"),
        line(sku="sent", price="2026-03-07"),
    ]
    _, [event], rejected = await import_shop(order(), lines=lines, mapping=HISTORY.replace('"last"', f'"{keep}"'))
    assert rejected == []
    assert (event["id"], event["time"]) == ("shop:A1:sent", f"2026-03-{day}T00:00:00Z")
