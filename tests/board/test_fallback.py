"""Whatever becomes of Redis or Postgres: no wrong answer, no stampede (I6)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.board.support import Board, asked, keys, redis_of
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until

NOBODY_THERE = "redis://127.0.0.1:9/0"


async def ids(board: Board, **question: Any) -> list[str]:
    """The ids of an answer's orders."""
    return [order["order_id"] for order in (await board.json("/api/board", **question))["orders"]]


async def test_without_redis_postgres_answers_the_same(stocked: Run, board: Board) -> None:
    async with asked(stocked.settings, redis_url=NOBODY_THERE) as alone:
        answer = await alone.json("/api/board", limit=200)
        assert answer["source"] == "database"
        assert [order["order_id"] for order in answer["orders"]] == await ids(board, limit=200)
        assert await ids(alone, q="STUCK-1") == ["STUCK-1"]
        assert await alone.metric('warren_board_cache_reads_total{result="away"}') >= 2


async def test_a_redis_that_says_nothing_is_not_waited_for_again_at_once(stocked: Run) -> None:
    async with proxied(stocked.settings.redis_url) as (url, proxy), asked(stocked.settings, redis_url=url) as board:
        assert (await board.json("/api/board"))["source"] == "cache"
        proxy.freeze()
        answers = await asyncio.gather(*(board.json("/api/board") for _ in range(20)))
        assert {answer["source"] for answer in answers} == {"database"}
        proxy.thaw()

        async def again() -> bool:
            return bool((await board.json("/api/board"))["source"] == "cache")

        await until(again, "the cache to be asked again")


async def test_answers_are_never_mixed_up_after_an_interrupted_one(stocked: Run) -> None:
    async with proxied(stocked.settings.redis_url) as (url, proxy), asked(stocked.settings, redis_url=url) as board:
        for _ in range(3):
            proxy.freeze()
            assert await ids(board, q="S3-1") == ["S3-1"]
            proxy.thaw()

            async def back() -> bool:
                return bool((await board.json("/api/board", limit=1))["source"] == "cache")

            await until(back, "the cache to be asked again")
            assert await ids(board, q="S5-2") == ["S5-2"]
            assert await ids(board, stage="closed") == ["S10-0", "S10-1", "S10-2"]


@pytest.mark.parametrize("pattern", ["*", "*:\\{p2\\}", "*:card:S3-1", "*:lane:submitted"])
async def test_a_cache_that_is_not_whole_is_not_believed(own_stock: Run, pattern: str) -> None:
    async with (
        asked(own_stock.settings) as one_that_knows,
        asked(own_stock.settings) as board,
        redis_of(own_stock.settings) as redis,
    ):
        right = await ids(one_that_knows, limit=200)
        gone = await keys(redis, own_stock.settings, pattern)
        assert gone
        await redis.delete(*gone)
        assert await ids(one_that_knows, limit=200) == right, "what was read before may be remembered, and is right"
        answer = await board.json("/api/board", limit=200)
        assert answer["source"] == "database"
        assert [order["order_id"] for order in answer["orders"]] == right


async def test_a_cache_behind_the_checkpoints_is_not_believed(own_stock: Run) -> None:
    settings = own_stock.settings
    async with asked(settings) as board, redis_of(settings) as redis:
        assert (await board.json("/api/board"))["source"] == "cache"
        (marker,) = await keys(redis, settings, "*:\\{p1\\}")
        await redis.hset(marker, "offset", int(await redis.hget(marker, "offset") or 0) - 1)
        answer = await board.json("/api/board")
        assert answer["source"] == "database"
        assert await board.metric('warren_board_cache_reads_total{result="behind"}') == 1
        for number in range(3):
            assert await ids(board, q=f"S4-{number}") == [f"S4-{number}"]


async def test_a_card_of_another_release_is_not_believed(own_stock: Run) -> None:
    async with asked(own_stock.settings) as board, redis_of(own_stock.settings) as redis:
        (card,) = await keys(redis, own_stock.settings, "*:card:S6-0")
        await redis.set(card, b'{"order":"S6-0"}')
        assert (await board.json("/api/board"))["source"] == "database"
        assert await ids(board, q="S6-0") == ["S6-0"]


async def test_many_who_ask_postgres_at_once_ask_once(stocked: Run) -> None:
    async with asked(stocked.settings, redis_url=NOBODY_THERE) as board:
        answers = await asyncio.gather(*(board.json("/api/board") for _ in range(40)))
        assert len(answers) == 40
        assert await board.metric('warren_board_database_reads_total{what="board"}') == 1
        assert await board.metric('warren_board_database_reads_total{what="standing"}') <= 3


async def test_without_postgres_the_cache_goes_on_and_says_so(stocked: Run) -> None:
    settings = stocked.settings
    async with proxied(settings.postgres_dsn) as (dsn, proxy), asked(settings, postgres_dsn=dsn) as board:
        before = await ids(board)
        proxy.refusing = True
        proxy.cut()

        async def noticed() -> bool:
            answer = await board.json("/api/board")
            assert answer["source"] == "cache"
            assert [order["order_id"] for order in answer["orders"]] == before
            return bool(answer["database_away"])

        await until(noticed, "the board to see that Postgres is away")
        assert "The database does not answer" in await board.text("/")
        problem = await board.client.get("/api/orders/S1-0")
        assert problem.status_code == 503
        assert "WARREN_POSTGRES_DSN" in problem.json()["detail"]
        assert "Traceback" not in await board.text("/orders/S1-0", 503)
        proxy.refusing = False

        async def again() -> bool:
            return (await board.client.get("/api/orders/S1-0")).status_code == 200

        await until(again, "Postgres to answer again")


async def test_without_both_there_is_a_clear_no(stocked: Run) -> None:
    nowhere = "postgresql://warren@127.0.0.1:9/warren"
    async with asked(stocked.settings, redis_url=NOBODY_THERE, postgres_dsn=nowhere) as board:
        response = await board.client.get("/api/board")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert "cannot read its stores" in await board.text("/", 503)
        assert await board.json("/healthz") == {"alive": True}


async def test_the_replica_is_read_where_there_is_one(stocked: Run) -> None:
    settings = stocked.settings
    nowhere = "postgresql://warren@127.0.0.1:9/warren"
    async with asked(settings, postgres_dsn=nowhere, postgres_read_dsn=settings.postgres_dsn) as board:
        assert (await board.json("/api/orders/S1-0"))["stage"] == "initiated"


async def test_another_live_version_is_read_as_soon_as_it_is_live(own_stock: Run) -> None:
    async with asked(own_stock.settings) as board:
        assert (await board.json("/api/board"))["instance"] == "views@1"
        connection = await own_stock.connect()
        await connection.execute("ALTER SCHEMA views_v1 RENAME TO views_v2")
        await connection.execute("UPDATE warren.pipelines SET live_version = 2 WHERE name = 'views'")
        await connection.close()

        async def switched() -> bool:
            answer = await board.json("/api/board", limit=200)
            return bool(answer["instance"] == "views@2" and answer["source"] == "database" and answer["orders"])

        await until(switched, "views@2 to be read")
