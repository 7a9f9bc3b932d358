"""An order whose customer was erased: the page stands, says so, and has nothing of the customer; nor has the cache."""

from __future__ import annotations

import pytest

from tests.board.stock import publish
from tests.board.support import Board, asked, keys, redis_of
from tests.cli.support import Warren, environment_of
from tests.support.events import life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

STEPS = ("initiated", "submitted", "price_calculated")


async def board_without(board: Board, run: Run) -> None:
    """Look at every place where the board could show the customer `c1`."""
    story = await board.json("/api/orders/A")
    assert story["customer_id"] == ""
    assert len(story["timeline"]) == len(STEPS) + 1
    assert "erased" in await board.text("/orders/A")
    assert "удалён" in await board.text("/orders/A", headers={"accept-language": "ru"})
    assert "erased" in await board.text("/orders")
    for entry in story["timeline"]:
        assert "asked to be forgotten" in await board.text(f"/orders/A/events/{entry['stream_offset']}")
    assert "c1" not in await board.text("/orders.csv")
    past = await board.client.get("/orders/A", params={"at": story["timeline"][0]["recorded_at"]})
    assert past.status_code == 410
    assert "was erased" in past.text
    async with redis_of(run.settings) as redis:
        for key in await keys(redis, run.settings):
            if await redis.type(key) == b"hash":
                assert not any(b'"c1"' in value for value in await redis.hvals(key)), key


async def test_the_board_says_so_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    warren = Warren(environment_of(run), monkeypatch)
    async with running_pipeline(run), asked(run.settings) as board:
        await publish(run, *map(message, life("A", *STEPS)), *map(message, life("B", "initiated")))
        await caught_up(run)
        done = (await warren("customer", "erase", "c1", "--json")).json
        assert (done["finished"], done["orders"], done["events"]) == (True, 1, len(STEPS))
        # The running processor is fenced, joins anew, and goes on.
        await publish(
            run, *map(message, life("A", "manufacturing_approved")), *map(message, life("B", "submitted")[:0])
        )
        await caught_up(run)

        async def built_anew() -> bool:
            answer = await board.json("/api/board")
            return bool(answer["source"] == "cache")

        await until(built_anew, "the cache is built anew")
        await board_without(board, run)
        assert "customer erased" in (await warren("order", "show", "A")).words


async def test_the_command_says_what_it_found_and_did(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    warren = Warren(environment_of(run), monkeypatch)
    assert "Nobody has asked" in (await warren("customer", "list")).words
    assert "0 orders" in (await warren("customer", "erase", "c1", "--dry-run")).words
    assert "Nobody has asked" in (await warren("customer", "list")).words
    assert "Erased from 0 orders" in (await warren("customer", "erase", "c1")).words
    (row,) = (await warren("customer", "list", "--json")).json["erasures"]
    assert row["requested_by"] == "tester"
    assert row["finished_at"] is not None
    for nobody in ("", "a\nb", "x" * 257, "\udcff"):
        (await warren.ends("customer", "erase", nobody)).failed(2, "no customer can have this id")


async def test_without_redis_it_is_not_finished(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Warren(environment_of(run) | {"WARREN_REDIS_URL": "redis://127.0.0.1:1/0"}, monkeypatch)
    (await away.ends("customer", "erase", "c1")).failed(3, "Redis does not answer", "run it again")
    warren = Warren(environment_of(run), monkeypatch)
    assert "not yet" in (await warren("customer", "list")).words
    await warren("customer", "erase", "c1")
    assert "not yet" not in (await warren("customer", "list")).words
