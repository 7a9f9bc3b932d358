"""A partition's keys are built anew by one script; nothing of the old generation is read again."""

from __future__ import annotations

from redis.asyncio import Redis

from pipelines.engine.stores.cache import FORMAT, LANE_LENGTH, Cache
from tests.stores.support import LANES, Owner, card, keys_of, many
from tests.support.runs import Run


async def test_what_is_not_in_the_new_generation_is_gone(run: Run, redis: Redis, cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 5, [card("old"), card("both", "submitted")], {"initiated|": 1, "submitted|": 1})
    await owner.rebuild(0, 5, [card("both", "closed", revision=2), card("new")], {"initiated|": 1, "closed|": 1})
    assert await cache.read_card(0, "old") is None
    assert await cache.read_card(0, "both") == b"both#2"
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.lanes == {"initiated": [b"new#1"], "submitted": [], "closed": [b"both#2"]}
    assert board.counts == {"initiated|": 1, "closed|": 1}
    generation = await redis.hget(f"{run.settings.redis_prefix}views@1:{FORMAT}:{{p0}}", "generation")
    assert isinstance(generation, bytes)
    left = [key for key in await keys_of(run, redis) if generation not in key and not key.endswith(b"{p0}")]
    assert left == []


async def test_after_a_flush_nothing_is_patched_and_a_rebuild_mends_it(run: Run, redis: Redis, owner: Owner) -> None:
    await owner.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*await keys_of(run, redis))
    assert not await owner.apply(0, 5, 6, [card("A")], {"initiated|": 1})
    assert await keys_of(run, redis) == []
    assert not await owner.look(0, 5)
    await owner.rebuild(0, 6, [*many(3), card("A", score=9)], {"initiated|": 4})
    assert await owner.look(0, 6)


async def test_a_lost_lane_is_noticed(run: Run, redis: Redis, owner: Owner) -> None:
    await owner.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*[key for key in await keys_of(run, redis) if b":lane:" in key])
    assert not await owner.look(0, 5)


async def test_lost_counts_are_noticed(run: Run, redis: Redis, owner: Owner) -> None:
    await owner.rebuild(0, 5, many(3), {"initiated|": 3})
    await redis.unlink(*[key for key in await keys_of(run, redis) if key.endswith(b":counts")])
    assert not await owner.look(0, 5)


async def test_lost_floors_are_noticed(run: Run, redis: Redis, owner: Owner) -> None:
    """Without them an order could come in below one that was cut off."""
    await owner.rebuild(0, 5, many(LANE_LENGTH, first=1), {"initiated|": LANE_LENGTH + 1})
    assert await owner.look(0, 5)
    await redis.unlink(*[key for key in await keys_of(run, redis) if key.endswith(b":floors")])
    assert not await owner.look(0, 5)


async def test_a_late_rebuild_by_a_former_owner_is_out_of_step_and_replaced(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 8, [card("A")], {"initiated|": 1})
    await Owner(cache).rebuild(0, 5, [], {})
    assert not await owner.look(0, 8)
    assert not await owner.apply(0, 8, 9, [card("B")], {"initiated|": 1})
    await owner.rebuild(0, 9, [card("A"), card("B")], {"initiated|": 2})
    assert await owner.look(0, 9)


async def test_a_late_rebuild_at_the_same_offset_is_not_patched(cache: Cache, owner: Owner) -> None:
    """It may hold later batches than its offset says: its owner was gone before it read the tables."""
    await owner.rebuild(0, 8, [card("A")], {"initiated|": 1})
    await Owner(cache).rebuild(0, 8, [card("A"), card("B")], {"initiated|": 2})
    left = await cache.read_board([0], LANES, 10)
    assert not await owner.apply(0, 8, 9, [card("B")], {"initiated|": 1})
    assert await cache.read_board([0], LANES, 10) == left
    await owner.rebuild(0, 9, [card("A"), card("B")], {"initiated|": 2})
    assert await owner.apply(0, 9, 10, [card("C")], {"initiated|": 1})
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.counts == {"initiated|": 3}


async def test_a_new_owner_goes_on_with_keys_that_are_whole(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 8, many(LANE_LENGTH, first=1), {"initiated|": LANE_LENGTH + 1})
    assert await owner.apply(0, 8, 9, [card("A", "submitted", score=9)], {"submitted|": 1})
    successor = Owner(cache)
    assert not await successor.apply(0, 9, 10, [], {})  # not before it has looked
    assert await successor.look(0, 9)
    assert successor.known(0) == owner.known(0)
    assert await successor.apply(0, 9, 10, [card("A", "closed", before="submitted", score=9)], {})
