"""However a stream is cut into batches, what takes effect, what stays parked and the state are the same (I3, I4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.instance.folding import OrderQueue, Parking
from pipelines.engine.instance.projection import Arrived
from pipelines.flows.views.projection import Views
from schemas.envelope import Envelope
from schemas.views import OrderState, TimelineEntry
from tests.instance.toys import Shelf, Toys, arrived
from tests.processors.telling import RECORDED as TOLD_AT
from tests.processors.telling import tell
from tests.processors.test_fold_purity import stories

ORDERS = [1, 2, 3]

KINDS = ["ok", "ok", "ok", "release", "release", "poison.1", "poison.2", "unknown.1", "unknown.2"]


@dataclass(frozen=True)
class Deploy:
    """From here on this release of the code runs."""

    release: int


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, str] | Deploy]:
    """A stream of events, (order, type), with deploys between them."""
    events = draw(st.lists(st.tuples(st.sampled_from(ORDERS), st.sampled_from(KINDS)), min_size=1, max_size=30))
    log: list[tuple[int, str] | Deploy] = list(events)
    for release in (1, 2):
        log.insert(draw(st.integers(0, len(log))), Deploy(release))
    return log


def _plainly(log: Sequence[tuple[int, str] | Deploy]) -> tuple[dict[int, list[str]], dict[int, list[int]]]:
    """One event after the other, with no batches: what took effect and what waits, by order."""
    release = 0
    applied: dict[int, list[str]] = {order: [] for order in ORDERS}
    waiting: dict[int, list[tuple[int, str]]] = {order: [] for order in ORDERS}

    def fails(kind: str) -> bool:
        return "." in kind and int(kind.partition(".")[2]) > release

    for offset, entry in enumerate(log):
        if isinstance(entry, Deploy):
            release = entry.release
            continue
        order, kind = entry
        queue = waiting[order]
        if not queue and not fails(kind):
            applied[order].append(f"e{offset}")
            continue
        queue.append((offset, kind))
        if kind == "release":
            while queue and not fails(queue[0][1]):
                applied[order].append(f"e{queue.pop(0)[0]}")
    return applied, {order: [offset for offset, _ in queue] for order, queue in waiting.items()}


def _in_batches(log: Sequence[tuple[int, str] | Deploy], cuts: set[int]) -> Shelf:
    """The same through the engine's own queue, cut before these offsets and at each deploy."""
    shelf, toys = Shelf(), Toys()
    pending: dict[int, list[Arrived]] = {}
    for offset, entry in enumerate(log):
        if offset in cuts or isinstance(entry, Deploy):
            shelf.take(toys, pending)
            pending = {}
        if isinstance(entry, Deploy):
            toys = Toys(entry.release)
        else:
            order, kind = entry
            pending.setdefault(order, []).append(arrived(f"e{offset}", kind, offset, toys))
    shelf.take(toys, pending)
    return shelf


@settings(max_examples=300, deadline=None)
@given(logs(), st.sets(st.integers(0, 31)))
def test_any_batching_is_the_same_as_event_by_event(log: list[tuple[int, str] | Deploy], cuts: set[int]) -> None:
    applied, waiting = _plainly(log)
    shelf = _in_batches(log, cuts)
    for order in ORDERS:
        assert list(shelf.states.get(order, ())) == applied[order]
        assert shelf.entries.get(order, []) == applied[order]
        assert shelf.parked(order) == waiting[order]


@settings(max_examples=100, deadline=None)
@given(logs(), st.sets(st.integers(0, 31)))
def test_every_event_took_effect_or_waits_and_only_once(log: list[tuple[int, str] | Deploy], cuts: set[int]) -> None:
    shelf = _in_batches(log, cuts)
    told = sorted(
        [int(id_[1:]) for ids in shelf.entries.values() for id_ in ids]
        + [offset for order in ORDERS for offset in shelf.parked(order)]
    )
    assert told == [offset for offset, entry in enumerate(log) if not isinstance(entry, Deploy)]


@settings(max_examples=100, deadline=None)
@given(stories, st.sets(st.integers(1, 15)))
def test_the_views_own_fold_is_the_same_in_any_batches(story: list[Envelope], cuts: set[int]) -> None:
    expected, expected_entries = tell(story)
    state: OrderState | None = None
    entries: list[TimelineEntry] = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(story)), len(story)]
    for first, end in pairwise(edges):
        events = [
            Arrived(event, b"", 0, offset, TOLD_AT + timedelta(seconds=offset), b"")
            for offset, event in enumerate(story[first:end], first)
        ]
        change = OrderQueue(Views(), 1, state, Parking()).run(events)
        assert change is not None
        assert change.before is state
        state = change.after
        entries += [entry for _, entry in change.entries]
    assert (state, entries) == (expected, expected_entries)
