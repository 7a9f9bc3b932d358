"""A lane of the hot cache never shows an older order where a newer one belongs (I6)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from cli.localservers import Addresses, run_environment, unique_run_name
from pipelines.engine.stores.cache import LANE_LENGTH, Cache, CardChange


@pytest.fixture
async def cache(servers: Addresses) -> AsyncIterator[Cache]:
    async with (
        run_environment(servers, unique_run_name("floor")) as own,
        Redis.from_url(own.redis_url) as redis,
    ):
        yield Cache(redis, own.redis_prefix, "views@1")


def change(number: int, revision: int, before: str, lane: str) -> CardChange:
    return CardChange(f"o{number}", revision, b'"o%d"' % number, before, lane, number)


async def lane(cache: Cache, limit: int) -> list[bytes | None]:
    [board] = await cache.read_board([0], ["A"], limit)
    assert board is not None
    return board.lanes["A"]


async def test_an_order_older_than_one_cut_off_stays_out(cache: Cache) -> None:
    surplus = 100
    newest = LANE_LENGTH + surplus
    await cache.rebuild(0, 0, [], {})
    first = [change(number, 1, "", "A") for number in range(1, newest + 1)]
    assert await cache.apply(0, 0, 1, [*first, change(0, 1, "", "C")], {"A|": newest, "C|": 1})
    leaving = range(newest - 49, newest + 1)
    assert await cache.apply(0, 1, 2, [change(number, 2, "A", "B") for number in leaving], {"A|": -50, "B|": 50})
    assert await cache.apply(0, 2, 3, [change(0, 2, "C", "A")], {"C|": -1, "A|": 1})
    # Orders 100 and below were cut off. Order 0 would be the 151st card, where order 100 belongs.
    expected = [b'"o%d"' % number for number in range(newest - 50, surplus, -1)]
    assert await lane(cache, 500) == expected
    assert b'"o0"' not in expected


async def test_a_rebuilt_full_lane_has_a_floor_too(cache: Cache) -> None:
    kept = [change(number, 1, "", "A") for number in range(101, 101 + LANE_LENGTH)]
    await cache.rebuild(0, 5, kept, {"A|": LANE_LENGTH + 100})
    assert await cache.apply(0, 5, 6, [change(50, 1, "", "A"), change(999, 1, "", "A")], {"A|": 2})
    cards = await lane(cache, 500)
    assert cards[0] == b'"o999"'
    assert b'"o50"' not in cards
    assert len(cards) == LANE_LENGTH


async def test_a_lane_never_cut_off_takes_orders_of_any_age(cache: Cache) -> None:
    await cache.rebuild(0, 0, [change(10, 1, "", "A")], {"A|": 1})
    assert await cache.apply(0, 0, 1, [change(3, 1, "", "A")], {"A|": 1})
    assert await lane(cache, 50) == [b'"o10"', b'"o3"']
