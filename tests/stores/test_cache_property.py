"""However orders come and move, a lane read from the cache is the head of the true lane: maybe shorter, never wrong."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine.stores import cache as cache_module
from pipelines.engine.stores.cache import Cache, CardChange
from tests.stores.support import LANES

LENGTH, READ = 3, 2


@pytest.fixture(autouse=True)
def short_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "LANE_LENGTH", LENGTH)
    monkeypatch.setattr(cache_module, "READ_LENGTH", READ)


class Truth:
    """What the tables would hold: each order's lane, revision and when it was opened."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[str, int, int]] = {}

    def change(self, number: int, lane: str, score: int) -> CardChange:
        """Move an order, or open it."""
        before, revision, score = self.orders.get(number, ("", 0, score))
        self.orders[number] = (lane, revision + 1, score)
        return CardChange(f"o{number}", revision + 1, f"{number}".encode(), before, lane, score)

    def newest(self, lane: str) -> list[tuple[int, int]]:
        """Scores and orders of a lane, newest first."""
        return sorted(((score, n) for n, (at, _, score) in self.orders.items() if at == lane), reverse=True)

    def counts(self) -> Counter[str]:
        return Counter(f"{lane}|" for lane, _, _ in self.orders.values())

    def cards(self) -> list[CardChange]:
        """What a rebuild reads: the newest of each lane."""
        return [
            CardChange(f"o{n}", self.orders[n][1], f"{n}".encode(), "", lane, score)
            for lane in LANES
            for score, n in self.newest(lane)[:LENGTH]
        ]


moves = st.tuples(st.integers(0, 11), st.sampled_from(LANES[:2]), st.integers(0, 99))
batches = st.lists(moves, max_size=6, unique_by=lambda move: move[0])
steps = st.lists(batches | batches | batches | st.just("rebuild"), min_size=8, max_size=25)


@settings(
    max_examples=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps)
async def test_a_lane_is_the_head_of_the_true_one(cache: Cache, steps: list[list[tuple[int, str, int]] | str]) -> None:
    truth = Truth()
    start = (await cache.offset(0) or 0) + 1
    await cache.rebuild(0, start, [], {})
    for offset, step in enumerate(steps, start):
        if isinstance(step, str):
            await cache.rebuild(0, offset + 1, truth.cards(), truth.counts())
        else:
            before = truth.counts()
            changes = [truth.change(*one) for one in step]
            after = truth.counts()
            deltas = {field: after[field] - before[field] for field in {*before, *after}}
            assert await cache.apply(0, offset, offset + 1, changes, deltas)
        await _check(cache, truth, offset + 1)


async def _check(cache: Cache, truth: Truth, offset: int) -> None:
    [board] = await cache.read_board([0], LANES, 100)
    assert board is not None
    assert board.offset == offset
    assert {field: number for field, number in board.counts.items() if number} == truth.counts()
    whole = await cache.whole(0, offset)
    for lane in LANES:
        newest = truth.newest(lane)
        shown = [int(card) for card in board.lanes[lane] if card is not None]
        assert {truth.orders[number][0] for number in shown} <= {lane}
        # Orders opened in the same millisecond may stand in for each other.
        assert [truth.orders[number][2] for number in shown] == [score for score, _ in newest[: len(shown)]]
        assert len(shown) <= LENGTH
        if whole:
            assert len(shown) >= min(len(newest), READ)
    for number in truth.orders:
        card = await cache.read_card(0, f"o{number}")
        assert card in (None, f"{number}".encode())
