"""The hot cache needs memory for the orders that stand in its lanes, and for nothing else."""

from __future__ import annotations

from redis.asyncio import Redis

from pipelines.engine.stores.cache import LANE_LENGTH, Cache
from tests.stores.support import LANES, Owner, keys_of
from tests.stores.truth import Truth
from tests.support.runs import Run


async def test_there_are_as_many_cards_as_places_taken(run: Run, redis: Redis, cache: Cache, owner: Owner) -> None:
    """Orders of three lanes' length come, go through the lanes, the newest first, and half of them back."""
    truth, offset = Truth(), 0
    names = [str(number) for number in range(3 * LANE_LENGTH)]
    await owner.rebuild(0, 0, [], {})
    for lane, moving in [*((lane, names[::-1]) for lane in LANES), (LANES[0], names[::2])]:
        for first in range(0, len(moving), 70):
            moves = [(name, lane, int(name)) for name in moving[first : first + 70]]
            assert await owner.apply(0, offset, offset + 1, *truth.batch(moves))
            offset += 1
            await _check(run, redis, cache)
    await owner.rebuild(0, offset, truth.cards(LANE_LENGTH), truth.counts())
    assert await _check(run, redis, cache) > LANE_LENGTH


async def _check(run: Run, redis: Redis, cache: Cache) -> int:
    [board] = await cache.read_board([0], LANES, 10 * LANE_LENGTH)
    assert board is not None
    places = [card for lane in board.lanes.values() for card in lane]
    assert None not in places
    assert len([key for key in await keys_of(run, redis) if b":card:" in key]) == len(places)
    return len(places)
