"""/api/orders and /api/orders/{id}."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.lifecycle import STAGES
from tests.board.stock import NASTY
from tests.board.support import Board, asked, keys, redis_of
from tests.support.events import LIFE
from tests.support.runs import Run

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"limit": 200},
    {"limit": 1},
    {"stage": "submitted"},
    {"stage": "closed", "limit": 2},
    {"stage": "unopened"},
    {"q": "STUCK-1"},
    {"q": NASTY},
    {"q": "nothing like it"},
    {"q": "S4-1", "stage": "closed"},
]


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on when, or from where, it was read."""
    orders = [{key: value for key, value in order.items() if key != "held_seconds"} for order in answer["orders"]]
    as_of = {key: value for key, value in answer["as_of"].items() if key != "read_at"}
    return {**answer, "orders": orders, "as_of": as_of, "source": None}


async def test_answers_from_cache_and_from_database_are_equal(own_stock: Run) -> None:
    async with asked(own_stock.settings) as board, redis_of(own_stock.settings) as redis:
        cached = [await board.json("/api/board", **question) for question in QUESTIONS]
        await redis.delete(*await keys(redis, own_stock.settings))
        read = [await board.json("/api/board", **question) for question in QUESTIONS]
    assert {answer["source"] for answer in cached} == {"cache"}
    assert {answer["source"] for answer in read} == {"database"}
    assert [lasting(answer) for answer in cached] == [lasting(answer) for answer in read]
    assert [len(answer["orders"]) for answer in read] == [35, 35, 1, 4, 2, 0, 1, 1, 0, 0]


async def test_counts_are_those_of_the_tables(board: Board, stocked: Run) -> None:
    answer = await board.json("/api/board")
    connection = await stocked.connect()
    rows = await connection.fetch(
        "SELECT stage, count(*) AS n FROM (SELECT stage FROM open_orders UNION ALL SELECT stage FROM closed_orders)"
        " AS o GROUP BY stage"
    )
    await connection.close()
    assert answer["counts"] == {row["stage"]: row["n"] for row in rows}
    assert answer["partners"]["file_uploaded"] == {"": 4, "acme": 1}
    assert answer["set_aside"] == {"quarantined": 2, "parked_events": 1, "parked_orders": 1}


async def test_who_came_last_into_a_stage_comes_first_and_no_more_than_asked_for(board: Board) -> None:
    everything = (await board.json("/api/board", limit=200))["orders"]
    since = [order["stage_since"] for order in everything]
    assert since == sorted(since, reverse=True)
    assert (await board.json("/api/board", limit=5))["orders"][0]["order_id"] == everything[0]["order_id"]
    assert len((await board.json("/api/board", limit=5))["orders"]) == 5


async def test_a_stage_gives_only_its_orders(board: Board) -> None:
    for stage in STAGES:
        answer = await board.json("/api/board", stage=str(stage), limit=200)
        assert {order["stage"] for order in answer["orders"]} <= {str(stage)}
        assert len(answer["orders"]) == answer["counts"].get(str(stage), 0)


async def test_search_finds_the_exact_id_only(board: Board) -> None:
    assert [order["order_id"] for order in (await board.json("/api/board", q="acme:7"))["orders"]] == ["acme:7"]
    assert (await board.json("/api/board", q="acme"))["orders"] == []
    assert (await board.json("/api/board", q="ACME:7"))["orders"] == []


async def test_a_card_says_where_the_order_is_and_whether_it_is_stuck(board: Board) -> None:
    (stuck,) = (await board.json("/api/board", q="STUCK-1"))["orders"]
    assert (stuck["stage"], stuck["holder"], stuck["stuck"]) == ("submitted", "pricing", True)
    assert stuck["held_seconds"] > stuck["target_seconds"] == 3600
    (priced,) = (await board.json("/api/board", q="S4-0"))["orders"]
    assert (priced["price_amount"], priced["price_currency"], priced["stuck"]) == ("12.50", "EUR", False)


async def test_a_timeline_leads_back_to_every_event(board: Board, stocked: Run) -> None:
    answer = await board.json("/api/orders/S10-1")
    assert (answer["stage"], answer["revision"], answer["held_seconds"]) == ("closed", 10, None)
    assert [entry["event_type"] for entry in answer["timeline"]] == [f"order.{name}.v1" for name in LIFE]
    assert [entry["held_seconds"] for entry in answer["timeline"]] == [None] + [600.0] * 9
    assert [entry["revision"] for entry in answer["timeline"]] == list(range(1, 11))
    offsets = [entry["stream_offset"] for entry in answer["timeline"]]
    assert offsets == sorted(offsets)
    first = answer["timeline"][0]
    assert first["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (first["source"], first["event_id"], first["holder"]) == ("/shop", "S10-1-initiated", "shop")
    assert {entry["partition"] for entry in answer["timeline"]} == {answer["partition"]}
    connection = await stocked.connect()
    body = await connection.fetchval(
        "SELECT body FROM timeline WHERE partition = $1 AND stream_offset = $2", answer["partition"], offsets[0]
    )
    await connection.close()
    assert orjson.loads(body)["id"] == first["event_id"]


async def test_anomalies_are_kept_in_the_timeline(board: Board) -> None:
    answer = await board.json("/api/orders/ODD-1")
    assert (answer["stage"], answer["anomalies"]) == ("manufacturing_approved", 1)
    assert [entry["anomalies"] for entry in answer["timeline"]] == [[], [], [], [], [], ["out_of_step"]]


async def test_an_order_whose_events_are_all_parked_is_shown_as_such(board: Board) -> None:
    answer = await board.json("/api/orders/WAIT-1")
    assert (answer["stage"], answer["timeline"]) == (None, [])
    assert [event["reason"] for event in answer["parked"]] == [
        "this release cannot read order.submitted.v9; deploy one that can, then release"
    ]


@pytest.mark.parametrize("path", ["/api/orders/NOPE", "/api/nothing", "/api/orders/BAD-1"])
async def test_what_is_not_there_is_a_problem_in_json(board: Board, path: str) -> None:
    response = await board.client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "stage=somewhere", f"q={'x' * 129}"])
async def test_a_senseless_question_names_what_is_wrong(board: Board, query: str) -> None:
    response = await board.client.get(f"/api/board?{query}")
    assert response.status_code == 422
    assert query.split("=")[0] in response.json()["detail"]


async def test_it_says_how_old_it_is(board: Board, stocked: Run) -> None:
    as_of = (await board.json("/api/board"))["as_of"]
    connection = await stocked.connect()
    rows = await connection.fetch("SELECT partition, next_offset FROM checkpoint ORDER BY partition")
    await connection.close()
    assert [(at["partition"], at["offset"]) for at in as_of["partitions"]] == [tuple(row) for row in rows]
    assert as_of["committed_at"] == max(at["committed_at"] for at in as_of["partitions"])
