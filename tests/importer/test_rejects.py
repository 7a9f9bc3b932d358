"""A row that gives no valid events is reported and counted, and the rest goes on."""

from __future__ import annotations

import pytest

from tests.importer.shop import import_shop, line, order


@pytest.mark.parametrize(
    ("cells", "lines", "place", "words"),
    [
        ({"bought": "soon"}, [], "orders:2", ["bought", "'soon'", "ISO 8601"]),
        ({"bought": "0001-01-01 00:00:00"}, [], "orders:2", ["bought", "out of range"]),
        ({"id": ""}, [], "orders:2", ["id is empty"]),
        ({"id": "A 2"}, [], "orders:2", ["events.bought", "subject"]),
        ({"bought": ""}, [], "orders:2", ["no event"]),
        ({"bought": "", "state": "off"}, [], "orders:2", ["events.called_off", "nobody says when"]),
        ({"partner": "ACME Ltd"}, [], "orders:2", ["events.bought", "data.partner"]),
        ({}, [line("A2"), line("A2", price="1,50")], "lines:2", ["price", "'1,50'", "decimal"]),
        ({}, [line("A2", price="1e3")], "lines:1", ["'1e3'"]),
        ({}, [line("A2", price="0.0000001")], "lines:1", ["no amount of money"]),
        ({}, [line("A2", price="-1")], "lines:1", ["no amount of money"]),
        ({}, [line("A2", pieces="2.5")], "lines:1", ["pieces", "whole number"]),
        ({}, [line("A2", pieces="0")], "orders:2", ["events.bought", "data.items.0.quantity"]),
        ({}, [line("A2", sku="x" * 300)], "orders:2", ["data.items.0.item_id"]),
    ],
)
async def test_a_bad_row_is_named_and_gives_no_event_at_all(
    cells: dict[str, str], lines: list[dict[str, str]], place: str, words: list[str]
) -> None:
    bad = order(**{"id": "A2", "sent": "2026-03-03", **cells}) if cells.get("bought") != "" else order("A2", **cells)
    result, events, rejected = await import_shop(order("A1"), bad, order("A3"), lines=lines)
    assert [str(reject.place) for reject in rejected] == [place]
    assert [word for word in words if word not in rejected[0].reason] == [], rejected[0].reason
    assert {event["subject"] for event in events} == {"A1", "A3"}
    assert (result.rows, result.orders, result.rejected) == (3, 2, 1)


async def test_an_order_that_is_there_twice_counts_once() -> None:
    result, events, rejected = await import_shop(order("A1"), order("A2"), order("A1", customer="other"))
    assert [event["data"]["customer_id"] for event in events] == ["c1", "c1"]
    assert [(str(reject.place), reject.order_id) for reject in rejected] == [("orders:3", "A1")]
    assert "line 1" in rejected[0].reason
    assert result.rejected == 1


async def test_a_joined_row_without_a_key_is_reported() -> None:
    result, events, rejected = await import_shop(order(), lines=[line(""), line()])
    assert [(str(reject.place), reject.reason) for reject in rejected] == [("lines:1", "order is empty")]
    assert len(events) == 2
    assert result.rejected == 1


async def test_a_joined_table_that_belongs_to_nothing_is_named() -> None:
    result, _, _ = await import_shop(order("A1"), lines=[line("B1")])
    assert result.unmatched == ["lines"]
    result, _, _ = await import_shop(order("A1"), lines=[line("A1")])
    assert result.unmatched == []
