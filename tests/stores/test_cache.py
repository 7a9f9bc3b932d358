"""The hot cache: a partition's keys are whole or not there (I6)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from pipelines.engine.stores import cache as cache_module
from pipelines.engine.stores.cache import LANE_LENGTH, READ_LENGTH, Cache
from tests.stores.support import LANES, Owner, card, keys_of, many
from tests.support.runs import Run


async def test_without_a_marker_nothing_is_written(run: Run, redis: Redis, cache: Cache, owner: Owner) -> None:
    assert not await owner.apply(0, 0, 5, many(3), {"initiated|": 3})
    assert await keys_of(run, redis) == []
    assert await cache.offset(0) is None
    assert not await owner.look(0, 0)
    assert await cache.read_board([0], LANES, 10) == [None]
    assert await cache.read_card(0, "o1") is None


@pytest.mark.parametrize("first", [4, 6, 0, -5, 50])
async def test_a_batch_that_does_not_begin_where_the_keys_stand_is_not_applied(
    cache: Cache, owner: Owner, first: int
) -> None:
    await owner.rebuild(0, 5, many(2), {"initiated|": 2})
    before = await cache.read_board([0], LANES, 10)
    assert not await owner.apply(0, first, 9, [card("x")], {"initiated|": 1})
    assert await cache.read_board([0], LANES, 10) == before
    assert await cache.offset(0) == 5


async def test_a_batch_that_fits_is_applied_whole(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 5, many(2), {"initiated|": 2, "closed|acme": 7})
    changes = [
        card("o0", "submitted", before="initiated", revision=2, score=0),
        card("new", "initiated", score=9),
        card("o1", "initiated", before="initiated", revision=4, score=1),
    ]
    assert await owner.apply(0, 5, 11, changes, {"initiated|": 0, "submitted|": 1, "closed|acme": -2})
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.offset == 11
    assert board.lanes == {"initiated": [b"new#1", b"o1#4"], "submitted": [b"o0#2"], "closed": []}
    assert board.counts == {"initiated|": 2, "submitted|": 1, "closed|acme": 5}
    assert await cache.read_card(0, "o0") == b"o0#2"
    assert not await owner.apply(0, 5, 11, changes, {"submitted|": 1})  # a second time it does not fit


async def test_what_a_reader_knows_and_is_still_true_is_not_sent_again(
    run: Run, redis: Redis, cache: Cache, owner: Owner
) -> None:
    for partition in (0, 1):
        await owner.rebuild(partition, 5, many(2), {"initiated|": 2})
    boards = await cache.read_board([0, 1], LANES, 10)
    known = {place: board for place, board in enumerate(boards) if board is not None}
    assert await owner.apply(1, 5, 9, [card("new", score=7)], {"initiated|": 1})
    same, moved = await cache.read_board([0, 1], LANES, 10, known)
    assert same is known[0]
    assert moved is not None
    assert (moved.offset, moved.lanes["initiated"][0], moved.counts) == (9, b"new#1", {"initiated|": 3})
    await owner.rebuild(0, 5, many(1), {"initiated|": 1})  # at the same offset, but of another generation
    anew, _ = await cache.read_board([0, 1], LANES, 10, known)
    assert anew is not None
    assert anew.counts == {"initiated|": 1}
    await redis.delete(*await keys_of(run, redis))
    assert await cache.read_board([0, 1], LANES, 10, known) == [None, None]


async def test_an_empty_batch_moves_the_offset(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 5, [], {})
    assert await owner.apply(0, 5, 6, [], {})
    assert await cache.offset(0) == 6
    assert await owner.look(0, 6)
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert (board.counts, board.lanes) == ({}, {lane: [] for lane in LANES})


async def test_names_with_anything_in_them(cache: Cache, owner: Owner) -> None:
    names = ["acme:1", "заказ\u2028", "{x}", "a*b?[c]", "\U0001f4e6", '"\\', "%7c|"]
    await owner.rebuild(0, 0, [], {})
    assert await owner.apply(0, 0, 1, [card(name, score=n) for n, name in enumerate(names)], {"initiated|a|b": 7})
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.lanes["initiated"] == [f"{name}#1".encode() for name in reversed(names)]
    assert [await cache.read_card(0, name) for name in names] == [f"{name}#1".encode() for name in names]
    assert board.counts == {"initiated|a|b": 7}


async def test_orders_of_any_age_stand_in_their_place(cache: Cache, owner: Owner) -> None:
    """Milliseconds of the years 1 and 9999."""
    scores = {"oldest": -62135596800000, "old": -1, "now": 1772366400123, "latest": 253402300799999}
    await owner.rebuild(0, 0, [card("old", score=-1)], {"initiated|": 1})
    await owner.apply(0, 0, 1, [card(name, score=score) for name, score in scores.items()], {"initiated|": 3})
    [board] = await cache.read_board([0], ["initiated"], 10)
    assert board is not None
    assert board.lanes["initiated"] == [b"latest#1", b"now#1", b"old#1", b"oldest#1"]


async def test_a_deleted_card_is_none_and_its_neighbours_are_there(
    run: Run, redis: Redis, cache: Cache, owner: Owner
) -> None:
    await owner.rebuild(0, 0, many(3), {"initiated|": 3})
    await redis.unlink(*[key for key in await keys_of(run, redis) if key.endswith(b":card:o1")])
    [board] = await cache.read_board([0], LANES, 10)
    assert board is not None
    assert board.lanes["initiated"] == [b"o2#1", None, b"o0#1"]
    assert await cache.read_card(0, "o1") is None


async def test_a_lane_keeps_its_newest_orders(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 0, [], {})
    assert await owner.apply(0, 0, 1, many(LANE_LENGTH + 50)[::-1], {"initiated|": LANE_LENGTH + 50})
    [board] = await cache.read_board([0], ["initiated"], LANE_LENGTH * 2)
    assert board is not None
    newest = [f"o{number}#1".encode() for number in range(LANE_LENGTH + 49, 49, -1)]
    assert board.lanes["initiated"] == newest
    assert await owner.look(0, 1)
    [board] = await cache.read_board([0], ["initiated"], READ_LENGTH)
    assert board is not None
    assert board.lanes["initiated"] == newest[:READ_LENGTH]


async def test_a_lane_that_has_run_dry_is_noticed(owner: Owner) -> None:
    """The newest 200 of 300 were kept; 160 of them leave, and 100 older ones exist that the cache does not know."""
    await owner.rebuild(0, 0, many(LANE_LENGTH, first=100), {"initiated|": 200, "initiated|acme": 100})
    assert await owner.look(0, 0)
    stays = READ_LENGTH
    leaving = [
        card(f"o{n}", "closed", before="initiated", revision=2, score=n) for n in range(100, 100 + LANE_LENGTH - stays)
    ]
    await owner.apply(0, 0, 1, leaving, {"initiated|": -len(leaving), "closed|": len(leaving)})
    assert await owner.look(0, 1)
    await owner.apply(
        0, 1, 2, [card("o299", "closed", before="initiated", revision=2)], {"initiated|": -1, "closed|": 1}
    )
    assert not await owner.look(0, 2)


async def test_a_short_lane_is_whole_while_it_holds_all_there_are(owner: Owner) -> None:
    await owner.rebuild(0, 3, many(7), {"initiated|": 5, "initiated|acme": 2, "closed|": 0})
    assert await owner.look(0, 3)
    assert not await owner.look(0, 2)
    assert not await owner.look(0, 4)
    await owner.rebuild(0, 3, many(6), {"initiated|": 5, "initiated|acme": 2})
    assert not await owner.look(0, 3)


async def test_partitions_are_apart(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 5, many(1), {"initiated|": 1})
    await owner.rebuild(12, 9, many(2), {"initiated|": 2})
    boards = await cache.read_board([12, 1, 0], ["initiated"], 10)
    assert [board and (board.offset, len(board.lanes["initiated"])) for board in boards] == [(9, 2), None, (5, 1)]
    assert await cache.read_card(1, "o0") is None
    assert not await owner.apply(1, 5, 6, many(1), {})


async def test_instances_are_apart(run: Run, redis: Redis, cache: Cache, owner: Owner) -> None:
    other = Cache(redis, run.settings.redis_prefix, "views@2")
    await owner.rebuild(0, 5, many(1), {"initiated|": 1})
    assert await other.read_board([0], LANES, 10) == [None]
    assert other.changes_channel != cache.changes_channel


async def test_a_partition_of_which_a_card_was_deleted_is_not_whole(redis: Redis, cache: Cache, owner: Owner) -> None:
    """Its owner then builds it anew; readers would ask PostgreSQL until that lane had moved on."""
    await owner.rebuild(0, 5, many(3), {"initiated|": 3})
    assert await cache.standing(0, 5) is not None
    [key] = [key async for key in redis.scan_iter(match="*:card:o1")]
    await redis.delete(key)
    assert await cache.standing(0, 5) is None


async def test_emptied_nothing_is_left_of_any_release(
    run: Run, redis: Redis, cache: Cache, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card names its customer, who may have to be forgotten."""
    await owner.rebuild(0, 5, many(1), {"initiated|": 1})
    other = Cache(redis, run.settings.redis_prefix, "views@11")
    await Owner(other).rebuild(0, 5, many(1), {"initiated|": 1})
    monkeypatch.setattr(cache_module, "FORMAT", "f0")
    await Owner(Cache(redis, run.settings.redis_prefix, "views@1")).rebuild(0, 7, many(2), {"initiated|": 2})
    await cache.empty()
    mine = f"{run.settings.redis_prefix}views@1:*"
    assert [key async for key in redis.scan_iter(match=mine)] == []
    assert await other.standing(0, 5) is not None


async def test_releases_of_different_formats_are_apart(
    run: Run, redis: Redis, cache: Cache, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side, each finds what it wrote, and nothing of the other's."""
    await owner.rebuild(0, 5, many(1), {"initiated|": 1})
    monkeypatch.setattr(cache_module, "FORMAT", "f0")
    newer = Cache(redis, run.settings.redis_prefix, "views@1")
    assert await newer.standing(0, 5) is None
    assert await newer.read_board([0], LANES, 10) == [None]
    assert await newer.read_card(0, "o0") is None
    assert newer.changes_channel != cache.changes_channel
    await Owner(newer).rebuild(0, 7, many(2), {"initiated|": 2})
    assert await owner.apply(0, 5, 6, [card("A")], {"initiated|": 1})
    boards = [await one.read_board([0], ["initiated"], 10) for one in (cache, newer)]
    assert [(board.offset, board.counts) for [board] in boards if board] == [
        (6, {"initiated|": 2}),
        (7, {"initiated|": 2}),
    ]


async def test_reading_no_partition_is_possible(cache: Cache) -> None:
    assert await cache.read_board([], LANES, 10) == []
