"""A partition's keys are built anew by one script; nothing of the old generation is read again."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from pipelines.engine.stores import cache as cache_module
from pipelines.engine.stores.cache import Cache
from tests.stores.support import LANES, card, keys_of, many
from tests.support.runs import Run


async def test_what_is_not_in_the_new_generation_is_gone(run: Run, redis: Redis, cache: Cache) -> None:
    await cache.rebuild(0, 5, [card("old"), card("both", "submitted")], {"initiated|": 1, "submitted|": 1})
    await cache.rebuild(0, 5, [card("both", "closed", revision=2), card("new")], {"initiated|": 1, "closed|": 1})
    assert await cache.read_card(0, "old") is None
    assert await cache.read_card(0, "both") == b"both#2"
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.lanes == {"initiated": [b"new#1"], "submitted": [], "closed": [b"both#2"]}
    assert board.counts == {"initiated|": 1, "closed|": 1}
    generation = await redis.hget(f"{run.settings.redis_prefix}views@1:{{p0}}", "generation")
    assert isinstance(generation, bytes)
    left = [key for key in await keys_of(run, redis) if generation not in key and not key.endswith(b"{p0}")]
    assert left == []


async def test_a_card_that_stood_in_no_lane_is_not_read_again(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off from its lane, a card stays for whoever asks for its order, but not beyond a rebuild."""
    monkeypatch.setattr(cache_module, "LANE_LENGTH", 1)
    await cache.rebuild(0, 0, [], {})
    await cache.apply(0, 0, 1, many(2), {"initiated|": 2})
    assert await cache.read_card(0, "o0") == b"o0#1"
    await cache.rebuild(0, 2, [card("o1", score=1)], {"initiated|": 2})
    assert await cache.read_card(0, "o0") is None


async def test_after_a_flush_nothing_is_patched_and_a_rebuild_mends_it(run: Run, redis: Redis, cache: Cache) -> None:
    await cache.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*await keys_of(run, redis))
    assert not await cache.apply(0, 5, 6, [card("A")], {"initiated|": 1})
    assert await keys_of(run, redis) == []
    assert not await cache.whole(0, 5)
    await cache.rebuild(0, 6, [*many(3), card("A", score=9)], {"initiated|": 4})
    assert await cache.whole(0, 6)


async def test_a_lost_lane_is_noticed(run: Run, redis: Redis, cache: Cache) -> None:
    await cache.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*[key for key in await keys_of(run, redis) if b":lane:" in key])
    assert not await cache.whole(0, 5)


async def test_lost_counts_are_noticed(run: Run, redis: Redis, cache: Cache) -> None:
    await cache.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*[key for key in await keys_of(run, redis) if key.endswith(b":counts")])
    assert not await cache.whole(0, 5)


async def test_a_late_rebuild_by_a_former_owner_is_out_of_step_and_replaced(cache: Cache) -> None:
    await cache.rebuild(0, 8, [card("A")], {"initiated|": 1})
    await cache.rebuild(0, 5, [], {})
    assert not await cache.whole(0, 8)
    assert not await cache.apply(0, 8, 9, [card("B")], {"initiated|": 1})
    await cache.rebuild(0, 9, [card("A"), card("B")], {"initiated|": 2})
    assert await cache.whole(0, 9)
