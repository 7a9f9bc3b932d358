"""The hot cache follows what has committed, is built anew when it is lost, and never holds the pipeline up (I6)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import asyncpg
import orjson
import pytest
from redis.asyncio import Redis

from pipelines.engine.instance import showing
from pipelines.engine.instance.instance import PipelineInstance
from pipelines.engine.stores.cache import LANE_LENGTH, Cache, CardChange, PartitionBoard
from pipelines.flows.views.projection import Views
from schemas.lifecycle import Stage
from schemas.views import CARD
from tests.instance.direct import PARTITIONS, VIEWS, batch, commit_all, instance, orders_of
from tests.support.events import LIFE, event, life
from tests.support.runs import Run
from tests.support.waiting import until

LANES = [str(stage) for stage in Stage]


def _cache(run: Run, redis: Redis) -> Cache:
    return Cache(redis, run.settings.redis_prefix, str(VIEWS))


async def _board(run: Run) -> PartitionBoard | None:
    async with Redis.from_url(run.settings.redis_url) as redis:
        [board] = await _cache(run, redis).read_board([0], LANES, LANE_LENGTH)
        return board


async def _at(run: Run, offset: int) -> PartitionBoard:
    """Wait until the cache stands at the offset."""

    async def there() -> PartitionBoard | None:
        board = await _board(run)
        return board if board is not None and board.offset == offset else None

    board = await until(there, f"the cache to stand at {offset}", seconds=20)
    assert board is not None
    return board


async def _flush(run: Run) -> None:
    async with Redis.from_url(run.settings.redis_url) as redis:
        async for key in redis.scan_iter(match=f"{run.settings.redis_prefix}*"):
            await redis.unlink(key)


async def _same_as_tables(run: Run, board: PartitionBoard) -> None:
    """Assert that counts and lanes are what the tables would give now."""
    connection = await run.connect()
    cards, counts = await Views().snapshot(connection, 0)
    await connection.close()
    assert {field: number for field, number in board.counts.items() if number} == {
        field: number for field, number in counts.items() if number
    }
    for lane in LANES:
        expected = sorted(
            (card for card in cards if card.after.lane == lane), key=lambda c: (c.after.score, c.order_id.encode())
        )
        assert board.lanes[lane] == [card.card for card in reversed(expected)]


async def test_every_batch_is_shown_as_the_tables_have_it(run: Run) -> None:
    orders = orders_of(0, 6)
    batches: list[list[Any]] = [
        [event(order, name) for order in orders for name in LIFE[:2]],
        [event(orders[0], "initiated"), *life(orders[1], *LIFE[2:]), event(orders[2], "cancelled", hour=30), b"bad"],
        [event(orders[2], "note_added"), event(orders[3], "submitted")],
        [event(orders[3], "packaging", type="order.packaging.v2"), event(orders[3], "shipped")],
        [event(orders[4], "price_calculated"), event(orders[5], "submitted", source="/shop", data={"partner": "acme"})],
    ]  # fmt: skip
    async with instance(run) as running:
        await _same_as_tables(run, await _at(run, 0))
        offset = 0
        for events in batches:
            await running.commit(batch(events, offset))
            offset += len(events)
            board = await _board(run)
            assert board is not None
            assert board.offset == offset  # by the batch itself, not by a rebuild later
            await _same_as_tables(run, board)
    board = await _board(run)
    assert board is not None
    assert {field for field, number in board.counts.items() if number} == {
        "file_uploaded|", "closed|", "cancelled|", "submitted|", "price_calculated|", "submitted|acme",
    }  # fmt: skip


async def test_a_card_that_nobody_sees_is_not_sent_and_its_order_counts(run: Run) -> None:
    sent: list[list[str]] = []

    class Watched(Views):
        def cards(self, *asked: Any) -> tuple[list[CardChange], Mapping[str, int]]:
            cards, counts = super().cards(*asked)
            sent.append([card.order_id for card in cards])
            return cards, counts

    orders = orders_of(0, LANE_LENGTH + 5)
    oldest = orders[0]
    batches = [
        [event(order, "initiated", hour=number / 100) for number, order in enumerate(orders)],
        [event(oldest, "note_added", hour=20)],  # below its lane's floor
        [event(oldest, "submitted", hour=21)],  # to a lane that has room
    ]
    shown: list[bytes | None] = []
    async with instance(run, Watched()) as running, Redis.from_url(run.settings.redis_url) as redis:
        await _at(run, 0)
        offset = 0
        for events in batches:
            await running.commit(batch(events, offset))
            offset += len(events)
            board = await _board(run)
            assert board is not None
            assert board.offset == offset
            await _same_as_tables(run, board)
            shown.append(await _cache(run, redis).read_card(0, oldest))
    assert [sorted(names) for names in sent] == [sorted(orders), [], [oldest]]
    assert [card and orjson.loads(card)[CARD.index("revision")] for card in shown] == [None, None, 3]


async def test_a_flush_is_noticed_and_mended(run: Run) -> None:
    order = orders_of(0, 1)[0]
    async with instance(run) as running:
        await running.commit(batch(life(order, "initiated")))
        await _at(run, 1)
        await _flush(run)
        await _same_as_tables(run, await _at(run, 1))  # with nothing new to commit
        await _flush(run)
        await running.commit(batch([event(order, "submitted")], 1))
        board = await _board(run)
        assert board is None or board.offset == 2  # never something in between
        await _same_as_tables(run, await _at(run, 2))


async def test_a_lane_longer_than_the_cache_keeps_is_built_anew(run: Run) -> None:
    orders = orders_of(0, LANE_LENGTH + 5)
    async with instance(run) as running:
        await running.commit(batch([event(order, "initiated", hour=n / 60) for n, order in enumerate(orders)]))
        await _at(run, len(orders))
        await _flush(run)
        board = await _at(run, len(orders))
        await _same_as_tables(run, board)
        assert len(board.lanes["initiated"]) == LANE_LENGTH


async def test_a_defect_of_ours_does_not_end_the_keeping_of_the_cache(run: Run) -> None:
    class Clumsy(Views):
        stumbled = False

        async def snapshot(
            self, connection: asyncpg.Connection, partition: int
        ) -> tuple[list[CardChange], Mapping[str, int]]:
            if not self.stumbled:
                self.stumbled = True
                raise TypeError("a defect")
            return await super().snapshot(connection, partition)

    [order] = orders_of(0, 1)
    async with instance(run, Clumsy()) as running:
        await running.commit(batch([event(order, "initiated")]))
        await _same_as_tables(run, await _at(run, 1))


async def test_a_new_owner_goes_on_with_what_is_there_or_builds_it_anew(run: Run) -> None:
    first, second = orders_of(0, 2)
    async with instance(run) as running:
        await running.commit(batch(life(first, "initiated")))
        await _at(run, 1)
    await _flush(run)
    await commit_all(run, [event(first, "submitted")], offset=1)
    async with instance(run) as running:
        await _same_as_tables(run, await _at(run, 2))
        await running.commit(batch([event(second, "initiated")], 2))
        await _same_as_tables(run, await _at(run, 3))


async def test_a_cache_ahead_of_a_restored_database_is_replaced(run: Run) -> None:
    order = orders_of(0, 1)[0]
    async with Redis.from_url(run.settings.redis_url) as redis:
        await _cache(run, redis).rebuild(0, 99, [], {"closed|": 7})
    async with instance(run) as running:
        await running.commit(batch(life(order, "initiated")))
        await _at(run, 1)


async def test_no_redis_no_harm(run: Run) -> None:
    """Nothing listens at this address: batches commit, one after the other, and claims and goodbyes work."""
    redis = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=1)
    running = PipelineInstance(
        VIEWS, Views(), dsn=run.settings.postgres_dsn, partitions=PARTITIONS,
        cache=Cache(redis, run.settings.redis_prefix, str(VIEWS)), owner_name="test",
    )  # fmt: skip
    order = orders_of(0, 1)[0]
    async with asyncio.timeout(30):
        await running.claim(0)
        for offset, fields in enumerate(life(order)):
            await running.commit(batch([fields], offset))
        await running.stop()
    await redis.aclose()
    connection = await run.connect()
    assert await connection.fetchval("SELECT stage FROM closed_orders") == "closed"
    await connection.close()


async def test_a_redis_that_stays_away_is_tried_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tries = 100.0, list[float]()
    monkeypatch.setattr(showing, "time", SimpleNamespace(monotonic=lambda: now))
    async with Redis.from_url("redis://127.0.0.1:1") as nobody:
        shown = showing.Showing(Cache(nobody, "p", "i"), "i", 0)
        while now < 200:
            if shown.wants_rebuild:
                tries.append(now)
                await shown.rebuild(0, [], {})
            now += 0.5
    assert [later - earlier for earlier, later in itertools.pairwise(tries)] == [1, 2, 4, 8, 16, 30, 30]


async def test_changes_are_announced(run: Run) -> None:
    order = orders_of(0, 1)[0]
    async with Redis.from_url(run.settings.redis_url) as redis, redis.pubsub() as listener:
        await listener.subscribe(_cache(run, redis).changes_channel)
        async with instance(run) as running:
            await _at(run, 0)
            await running.commit(batch([*life(order, "initiated", "submitted"), b"bad"]))

            async def heard() -> Any:
                message = await listener.get_message(ignore_subscribe_messages=True, timeout=1)
                news = orjson.loads(message["data"]) if message else {}
                return news if news.get("orders") else None

            news = await until(heard, "the announcement", seconds=20)
            assert news == {"partition": 0, "offset": 3, "orders": [[order, 2, "submitted"]], "more": False}


async def test_a_partition_can_be_let_go_right_after_it_was_claimed(run: Run) -> None:
    async with Redis.from_url(run.settings.redis_url) as redis:
        running = PipelineInstance(
            VIEWS, Views(), dsn=run.settings.postgres_dsn, partitions=PARTITIONS, cache=_cache(run, redis),
            owner_name="test",
        )  # fmt: skip
        await running.claim(0)
        try:
            async with asyncio.timeout(3):
                await running.release(0)
        finally:
            for task in asyncio.all_tasks():
                if task.get_name() == "views@1 0 cache":
                    task.cancel()
