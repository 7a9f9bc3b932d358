"""A lane of the hot cache never shows an older order where a newer one belongs (I6)."""

from __future__ import annotations

import pytest

from pipelines.engine.stores.cache import LANE_LENGTH, Cache, CardChange, Spot, Standing
from tests.stores.support import Owner, Thrifty


def change(number: int, before: str, lane: str) -> CardChange:
    was = Spot(before, number) if before else None
    return CardChange(f"o{number}", b'"o%d"' % number, was, Spot(lane, number))


async def lane(cache: Cache, limit: int) -> list[bytes | None]:
    [board] = await cache.read_board([0], ["A"], limit)
    assert board is not None
    return board.lanes["A"]


async def test_an_order_older_than_one_cut_off_stays_out(cache: Cache, owner: Owner) -> None:
    surplus = 100
    newest = LANE_LENGTH + surplus
    await owner.rebuild(0, 0, [], {})
    first = [change(number, "", "A") for number in range(1, newest + 1)]
    assert await owner.apply(0, 0, 1, [*first, change(0, "", "C")], {"A|": newest, "C|": 1})
    leaving = range(newest - 49, newest + 1)
    assert await owner.apply(0, 1, 2, [change(number, "A", "B") for number in leaving], {"A|": -50, "B|": 50})
    assert await owner.apply(0, 2, 3, [change(0, "C", "A")], {"C|": -1, "A|": 1})
    # Orders 100 and below were cut off. Order 0 would be the 151st card, where order 100 belongs.
    expected = [b'"o%d"' % number for number in range(newest - 50, surplus, -1)]
    assert await lane(cache, 500) == expected
    assert b'"o0"' not in expected


async def test_a_rebuilt_full_lane_has_a_floor_too(cache: Cache, owner: Owner) -> None:
    kept = [change(number, "", "A") for number in range(101, 101 + LANE_LENGTH)]
    await owner.rebuild(0, 5, kept, {"A|": LANE_LENGTH + 100})
    assert await owner.apply(0, 5, 6, [change(50, "", "A"), change(999, "", "A")], {"A|": 2})
    cards = await lane(cache, 500)
    assert cards[0] == b'"o999"'
    assert b'"o50"' not in cards
    assert len(cards) == LANE_LENGTH


async def test_a_lane_never_cut_off_takes_orders_of_any_age(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 0, [change(10, "", "A")], {"A|": 1})
    assert await owner.apply(0, 0, 1, [change(3, "", "A")], {"A|": 1})
    assert await lane(cache, 50) == [b'"o10"', b'"o3"']


async def test_the_floor_is_what_was_cut_off_last(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 0, [], {})
    assert owner.known(0).floors == {}
    assert await owner.apply(0, 0, 1, [change(number, "", "A") for number in range(LANE_LENGTH)], {"A|": LANE_LENGTH})
    assert owner.known(0).floors == {}
    assert await owner.apply(0, 1, 2, [change(number, "", "A") for number in (900, -70, 901)], {"A|": 3})
    assert owner.known(0).floors == {"A": 1}
    await owner.rebuild(0, 2, [change(number, "", "A") for number in range(2, LANE_LENGTH + 2)], {"A|": LANE_LENGTH})
    assert owner.known(0).floors == {"A": 2}


async def test_an_order_that_moves_below_a_floor_loses_its_card(cache: Cache, owner: Owner) -> None:
    full = [change(number, "", "A") for number in range(101, 101 + LANE_LENGTH)]
    await owner.rebuild(0, 0, [*full, change(50, "", "B")], {"A|": LANE_LENGTH, "B|": 1})
    assert await cache.read_card(0, "o50") is not None
    assert await owner.apply(0, 0, 1, [change(50, "B", "A")], {"A|": 1, "B|": -1})
    assert await cache.read_card(0, "o50") is None
    assert await owner.apply(0, 1, 2, [change(50, "A", "B")], {"A|": -1, "B|": 1})
    assert await cache.read_card(0, "o50") == b'"o50"'


async def test_an_order_that_is_cut_off_loses_its_card(cache: Cache, owner: Owner) -> None:
    await owner.rebuild(0, 0, [change(number, "", "A") for number in range(LANE_LENGTH)], {"A|": LANE_LENGTH})
    assert await owner.apply(0, 0, 1, [change(999, "", "A")], {"A|": 1})
    assert await cache.read_card(0, "o0") is None
    assert await cache.read_card(0, "o1") == b'"o1"'


async def test_an_order_opened_with_the_one_cut_off_stays_while_it_stands_there(cache: Cache, owner: Owner) -> None:
    """The two oldest in the lane were opened in the same millisecond; one is cut off, the other stays, and changes."""
    same = [CardChange(name, name.encode(), None, Spot("A", 0)) for name in ("x", "y")]
    full = [*same, *[change(number, "", "A") for number in range(1, LANE_LENGTH - 1)]]
    thrifty = Thrifty(cache)
    await thrifty.rebuild(0, 0, [], {})
    assert await thrifty.apply(0, 0, 1, full, {"A|": LANE_LENGTH})
    assert await thrifty.apply(0, 1, 2, [change(999, "", "A")], {"A|": 1})
    assert thrifty.known(0).floors == {"A": 0}
    assert [await cache.read_card(0, name) for name in ("x", "y")] == [None, b"y"]
    assert await thrifty.apply(0, 2, 3, [CardChange("y", b"y new", Spot("A", 0), Spot("A", 0))], {})
    assert await cache.read_card(0, "y") == b"y new"
    assert (await lane(cache, 500))[-1] == b"y new"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, Spot("A", 99), False),
        (None, Spot("A", 101), True),
        (None, Spot("C", -5), True),  # never cut off
        (Spot("A", 99), Spot("A", 99), False),
        (Spot("A", 100), Spot("A", 100), True),  # may stand there, come in the same millisecond as the one cut off
        (Spot("A", 100), Spot("B", 100), True),
        (Spot("A", 99), Spot("B", 199), False),
        (Spot("A", 99), Spot("B", 200), True),  # comes into B
        (Spot("A", 150), Spot("B", 150), True),  # leaves A
        (Spot("B", 1), Spot("A", 150), True),  # comes into A
        (Spot("C", 1), Spot("A", 1), True),  # leaves C
        (Spot("A", 1), Spot("C", 1), True),
        (Spot("B", 150), Spot("B", 150), False),
    ],
)
def test_what_can_be_seen(before: Spot | None, after: Spot, shown: bool) -> None:
    assert Standing("g", {"A": 100, "B": 200}).shows(before, after) is shown
