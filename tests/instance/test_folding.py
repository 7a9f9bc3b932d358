"""What raises parks its order and those behind it, in stream order; releases let them go on; others never wait (I4)."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.engine.stores.set_aside import BEHIND
from tests.instance.toys import Shelf, Toys, arrived


def _take(shelf: Shelf, toys: Toys, *events: tuple[str, str], first: int = 0) -> None:
    """Give one batch of order 1's events, (id, type), at consecutive offsets."""
    shelf.take(toys, {1: [arrived(id_, type_, offset, toys) for offset, (id_, type_) in enumerate(events, first)]})


def _reasons(shelf: Shelf) -> list[str]:
    return [row["reason"] for _, row in sorted(shelf.rows.items())]


def test_what_folds_takes_effect_in_order() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "ok"), ("b", "ok"))
    _take(shelf, Toys(), ("c", "ok"), first=2)
    assert shelf.states[1] == ("a", "b", "c")
    assert (shelf.entries[1], shelf.rows) == (["a", "b", "c"], {})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_event_that_raises_parks_itself_and_all_behind_it(place: int) -> None:
    shelf, names = Shelf(), ["a", "b", "c"]
    _take(shelf, Toys(), *[(name, "poison.1" if at == place else "ok") for at, name in enumerate(names)])
    assert shelf.states.get(1, ()) == tuple(names[:place])
    assert shelf.parked(1) == list(range(place, 3))
    assert _reasons(shelf) == [f"ValueError: cannot fold {names[place]}"] + [BEHIND] * (2 - place)


def test_an_unknown_version_parks_like_an_event_that_raises() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "ok"), ("b", "unknown.1"), ("c", "ok"))
    assert (shelf.states[1], shelf.parked(1)) == (("a",), [1, 2])
    assert "deploy one that can" in _reasons(shelf)[0]


def test_later_batches_wait_behind() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "poison.1"))
    _take(shelf, Toys(), ("b", "ok"), ("c", "poison.1"), first=1)
    assert (shelf.states, shelf.parked(1), _reasons(shelf)[1:]) == ({}, [0, 1, 2], [BEHIND, BEHIND])


def test_mended_code_alone_releases_nothing_as_nothing_asked_for_it() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "poison.1"))
    _take(shelf, Toys(1), ("b", "ok"), first=1)
    assert (shelf.states, shelf.parked(1)) == ({}, [0, 1])


def test_a_release_applies_all_that_waits_and_itself_in_stream_order() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "ok"), ("b", "poison.1"), ("c", "ok"))
    _take(shelf, Toys(1), ("d", "ok"), ("r", "release"), ("e", "ok"), first=3)
    assert shelf.states[1] == ("a", "b", "c", "d", "r", "e")
    assert (shelf.rows, shelf.released) == ({}, [(1, 1), (1, 2)])


def test_a_release_goes_as_far_as_it_can() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "poison.1"), ("b", "ok"), ("c", "poison.2"), ("d", "ok"))
    _take(shelf, Toys(1), ("r", "release"), ("e", "ok"), first=4)
    assert shelf.entries[1] == ["a", "b"]
    assert shelf.parked(1) == [2, 3, 4, 5]
    _take(shelf, Toys(2), ("q", "release"), first=6)
    assert shelf.states[1] == ("a", "b", "c", "d", "r", "e", "q")


@pytest.mark.parametrize("kind", ["poison.1", "unknown.1"])
def test_a_release_that_changes_nothing_waits_with_the_others(kind: str) -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", kind), ("r", "release"), ("b", "ok"), ("q", "release"))
    assert (shelf.states, shelf.parked(1)) == ({}, [0, 1, 2, 3])
    _take(shelf, Toys(), ("s", "release"), first=4)
    assert (shelf.states, shelf.parked(1), shelf.released) == ({}, [0, 1, 2, 3, 4], [])


def test_an_event_parked_and_released_within_one_batch_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not possible with pure code of one release; a fold that changes its mind must not confuse the tables."""
    shelf, toys = Shelf(), Toys()
    events = [arrived(id_, type_, at, toys) for at, (id_, type_) in enumerate([("a", "poison.1"), ("r", "release")])]
    real = toys.fold

    def mended_at_second_try(*given: Any) -> Any:
        try:
            return real(*given)
        finally:
            toys.release = 1

    monkeypatch.setattr(toys, "fold", mended_at_second_try)
    shelf.take(toys, {1: events})
    assert (shelf.states[1], shelf.rows, shelf.released) == (("a", "r"), {}, [])


def test_an_event_released_at_its_second_try_in_one_batch_is_only_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement may not change and delete a row: the change would win, and the event take effect again."""
    shelf, toys, folds = Shelf(), Toys(), []
    _take(shelf, toys, ("a", "poison.1"), ("b", "ok"))
    real = toys.fold

    def mended_at_second_try(*given: Any) -> Any:
        folds.append(given)
        toys.release = int(len(folds) > 1)
        return real(*given)

    monkeypatch.setattr(toys, "fold", mended_at_second_try)
    _take(shelf, toys, ("r", "release"), ("s", "release"), first=2)
    assert (shelf.states[1], shelf.rows) == (("a", "b", "r", "s"), {})


def test_a_release_of_an_order_that_waits_for_nothing_is_an_event_like_others() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("r", "release"), ("a", "ok"))
    assert (shelf.states[1], shelf.rows) == (("r", "a"), {})


def test_a_parked_event_todays_release_refuses_goes_on_waiting() -> None:
    """An earlier release accepted it, so it is in the ledger: it may not vanish into the quarantine."""
    shelf, accepted = Shelf(), Toys(1)
    _take(shelf, accepted, ("a", "poison.2"), ("b", "garbled.1"), ("c", "ok"))
    _take(shelf, Toys(0), ("r", "release"), first=3)
    assert (shelf.states, shelf.parked(1)) == ({}, [0, 1, 2, 3])
    half = Toys(2)
    half.parse = Toys(0).parse  # type: ignore[method-assign]
    _take(shelf, half, ("s", "release"), first=4)
    assert (shelf.states[1], shelf.parked(1)) == (("a",), [1, 2, 3, 4])
    assert "garbled" in shelf.rows[1, 1]["reason"]
    _take(shelf, Toys(2), ("q", "release"), first=5)
    assert shelf.states[1] == ("a", "b", "c", "r", "s", "q")


def test_other_orders_go_on() -> None:
    shelf, toys = Shelf(), Toys()
    parking = shelf.take(
        toys,
        {
            1: [arrived("a", "ok", 0, toys), arrived("b", "ok", 3, toys)],
            2: [arrived("c", "poison.1", 1, toys), arrived("d", "ok", 4, toys)],
            3: [arrived("e", "unknown.1", 2, toys)],
            4: [arrived("f", "ok", 5, toys)],
        },
    )
    assert shelf.states == {1: ("a", "b"), 4: ("f",)}
    assert (shelf.parked(2), shelf.parked(3)) == ([1, 4], [2])
    assert parking.newly_stopped == {2, 3}
    assert "deploy one that can" in parking.last_reason


def test_an_order_that_is_stopped_already_is_not_newly_stopped() -> None:
    shelf, toys = Shelf(), Toys()
    shelf.take(toys, {1: [arrived("a", "poison.1", 0, toys)]})
    parking = shelf.take(toys, {1: [arrived("b", "poison.1", 1, toys), arrived("r", "release", 2, toys)]})
    assert (parking.newly_stopped, parking.last_reason) == (set(), "")


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RecursionError(), AssertionError(), MemoryError()])
def test_whatever_the_fold_raises_parks(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, toys = Shelf(), Toys()

    def raising(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(toys, "fold", raising)
    _take(shelf, toys, ("a", "ok"))
    assert shelf.parked(1) == [0]
    assert _reasons(shelf)[0].partition(": ")[0] == type(error).__name__


def test_the_first_that_waits_says_why_after_a_release_that_went_half_way() -> None:
    shelf = Shelf()
    _take(shelf, Toys(), ("a", "poison.1"), ("b", "ok"), ("c", "poison.2"), ("d", "ok"))
    _take(shelf, Toys(1), ("r", "release"), first=4)
    assert _reasons(shelf) == ["ValueError: cannot fold c", BEHIND, BEHIND]
