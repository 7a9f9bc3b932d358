"""However orders come and move, a lane read from the cache is the head of the true lane: maybe shorter, never wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from pipelines.engine.stores import cache as cache_module
from pipelines.engine.stores.cache import Cache, PartitionBoard
from tests.stores.support import LANES, Owner, Thrifty, keys_of
from tests.stores.truth import Truth
from tests.support.runs import Run

LENGTH, READ = 3, 2

Move = tuple[str, str, int]
Step = list[Move] | str


@pytest.fixture(autouse=True)
def short_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "LANE_LENGTH", LENGTH)
    monkeypatch.setattr(cache_module, "READ_LENGTH", READ)


def steps_of(ages: int, *others: str) -> st.SearchStrategy[list[Step]]:
    """Batches of moves, and now and then one of the others; the fewer ages, the more orders are as old as another."""
    moves = st.tuples(st.integers(0, 11).map(str), st.sampled_from(LANES[:2]), st.integers(0, ages - 1))
    batches: st.SearchStrategy[Step] = st.lists(moves, max_size=6, unique_by=lambda move: move[0])
    return st.lists(batches | batches | batches | st.sampled_from(others), min_size=8, max_size=25)


asked = settings(
    max_examples=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@asked
@given(steps_of(100, "rebuild"))
async def test_a_lane_is_the_head_of_the_true_one(cache: Cache, steps: list[Step]) -> None:
    truth, owner = Truth(), Owner(cache)
    start = (await cache.offset(0) or 0) + 1
    await owner.rebuild(0, start, [], {})
    for offset, step in enumerate(steps, start):
        if isinstance(step, str):
            await owner.rebuild(0, offset + 1, truth.cards(LENGTH), truth.counts())
        else:
            assert await owner.apply(0, offset, offset + 1, *truth.batch(step))
        await _check(cache, truth, offset + 1)


async def _check(cache: Cache, truth: Truth, offset: int) -> None:
    board = await _board(cache)
    assert board.offset == offset
    assert {field: number for field, number in board.counts.items() if number} == truth.counts()
    whole = await cache.standing(0, offset)
    for lane in LANES:
        newest = truth.newest(lane)
        shown = _names(board, lane)
        assert {truth.orders[name].lane for name in shown} <= {lane}
        # Orders opened in the same millisecond may stand in for each other.
        scores = [truth.orders[name].score for name in newest]
        assert [truth.orders[name].score for name in shown] == scores[: len(shown)]
        assert len(shown) <= LENGTH
        if whole is not None:
            assert len(shown) >= min(len(newest), READ)
    await _check_cards(cache, truth, board)


@asked
@given(steps_of(6, "rebuild", "takeover"))
async def test_what_cannot_be_seen_need_not_be_sent(run: Run, redis: Redis, cache: Cache, steps: list[Step]) -> None:
    other = Cache(redis, run.settings.redis_prefix, "views@2")
    truth, owners, offset = Truth(), [Owner(cache), Thrifty(other)], 0
    for step in ["rebuild", *steps]:
        whole = True
        if step == "takeover":
            owners = [Owner(cache), Thrifty(other)]
            whole, same = [await owner.look(0, offset) for owner in owners]
            assert whole == same
        if step == "rebuild" or not whole:
            for owner in owners:
                await owner.rebuild(0, offset, truth.cards(LENGTH), truth.counts())
        elif not isinstance(step, str):
            changes, counts = truth.batch(step)
            for owner in owners:
                assert await owner.apply(0, offset, offset + 1, changes, counts)
            offset += 1
        board = await _board(cache)
        assert replace(await _board(other), generation=board.generation) == board
        assert owners[0].known(0).floors == owners[1].known(0).floors
        for one in (cache, other):
            await _check_cards(one, truth, board)
    in_lanes = sum(len(board.lanes[lane]) for lane in LANES)
    assert len([key for key in await keys_of(run, redis) if b":card:" in key]) == 2 * in_lanes


async def _board(cache: Cache) -> PartitionBoard:
    [board] = await cache.read_board([0], LANES, 100)
    assert board is not None
    return board


def _names(board: PartitionBoard, lane: str) -> list[str]:
    return [card.decode().split("#")[0] for card in board.lanes[lane] if card is not None]


async def _check_cards(cache: Cache, truth: Truth, board: PartitionBoard) -> None:
    """An order has a card exactly while it stands in a lane, and it is the present one."""
    standing = {name for lane in LANES for name in _names(board, lane)}
    for name in truth.orders:
        assert await cache.read_card(0, name) == (truth.card(name) if name in standing else None)
