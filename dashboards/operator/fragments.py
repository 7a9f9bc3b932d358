"""The parts of the board page that change by themselves, each with a version: same version, same content."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jinja2 import Environment
from markupsafe import Markup

from dashboards.operator.listing.question import Question
from dashboards.operator.notices import Notice
from dashboards.operator.outboxes import Outboxes, query
from dashboards.operator.replica import Replica
from dashboards.operator.rows import COUNTED, Board, Card, Lane
from dashboards.operator.texts import words
from pipelines.edges.outbox.lag import COUNTED as PENDING_COUNTED
from schemas.lifecycle import FINAL, STAGES, Stage

NEWEST = 6
"""Cards in a lane of the whole board."""

NEWEST_OF_ONE = 200
"""Cards where one lane fills the page; what the cache keeps."""

_JUST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class View:
    """What a reader looks at: in which language, and which orders, in all lanes or one."""

    language: str
    question: Question

    @classmethod
    def of(cls, language: str, asked: Question) -> View:
        """Return the view of what a board can be asked for; the rest is left out."""
        kept = {name: getattr(asked, name) for name in ("stage", "partner", "source", "stuck", "odd")}
        return cls(language, Question(**kept))

    @property
    def stages(self) -> Sequence[Stage]:
        """The lanes it shows, in lifecycle order."""
        return list(STAGES) if self.question.stage is None else [self.question.stage]

    @property
    def limit(self) -> int:
        """How many cards a lane shows."""
        return NEWEST if self.question.stage is None else NEWEST_OF_ONE


@dataclass(frozen=True, slots=True)
class Fragment:
    """One element of the page, by its id."""

    id: str
    version: Hashable
    html: Markup


def render(
    environment: Environment,
    view: View,
    board: Board,
    outboxes: Outboxes,
    said: Sequence[Notice],
    before: Mapping[str, Fragment] | None = None,
) -> dict[str, Fragment]:
    """Return the board's fragments by id, in page order. Those whose version is as `before` are taken over as they
    were; cards that are new or changed since then are marked fresh."""
    old = before or {}
    now = datetime.now(UTC)
    found = [
        noted(environment, view, said),
        _vitals(environment, view, board, old, now),
        _outboxes(environment, view, outboxes, old, now),
    ]
    found += [_lane(environment, view, board, lane, old, now) for lane in board.lanes]
    return {fragment.id: fragment for fragment in found}


def noted(environment: Environment, view: View, said: Sequence[Notice]) -> Fragment:
    """Return what is to be known of all figures."""
    html = environment.get_template("_notices.html").render(t=words(view.language), notices=said)
    return Fragment("notices", tuple(said), Markup(html))


def _vitals(environment: Environment, view: View, board: Board, old: Mapping[str, Fragment], now: datetime) -> Fragment:
    standing = board.standing
    positions = [(position, board.offsets.get(position.partition)) for position in standing.positions]
    version = (board.source, _second(standing.replica), tuple(positions), standing.quarantined, standing.parked_orders)
    if "vitals" in old and old["vitals"].version == version:
        return old["vitals"]
    html = environment.get_template("_vitals.html").render(
        t=words(view.language),
        now=now,
        board=board,
        positions=positions,
        under_way=sum(board.orders(stage) for stage in STAGES if stage not in FINAL),
        finished=sum(board.orders(stage) for stage in FINAL),
        counted=COUNTED,
    )
    return Fragment("vitals", version, Markup(html))


def _second(replica: Replica | None) -> int | None:
    return None if replica is None else int(replica.behind.total_seconds())


def _outboxes(
    environment: Environment, view: View, outboxes: Outboxes, old: Mapping[str, Fragment], now: datetime
) -> Fragment:
    version = (outboxes.away, tuple(outbox.shown(now) for outbox in outboxes.known))
    if "outboxes" in old and old["outboxes"].version == version:
        return old["outboxes"]
    html = environment.get_template("_outboxes.html").render(
        t=words(view.language), now=now, outboxes=outboxes, query=query, counted=PENDING_COUNTED
    )
    return Fragment("outboxes", version, Markup(html))


def _lane(
    environment: Environment, view: View, board: Board, lane: Lane, old: Mapping[str, Fragment], now: datetime
) -> Fragment:
    narrowed = view.question.narrows
    most = max(other.orders for other in board.lanes) if narrowed else max(board.orders(stage) for stage in STAGES)
    share = round(100 * lane.orders / most) if most else 0
    cards = tuple((card.order_id, card.revision, card.overdue(now) is not None) for card in lane.cards)
    version = (lane.orders, share, cards, lane.at_least)
    name = f"lane-{lane.stage}"
    before = old.get(name)
    if before is not None and before.version == version:
        return before
    html = environment.get_template("_lane.html").render(
        t=words(view.language),
        now=now,
        lane=lane,
        facts=STAGES[lane.stage],
        share=share,
        alone=view.question.stage is not None,
        question=view.question,
        fresh=_fresh(lane.cards, before, now),
    )
    return Fragment(name, version, Markup(html))


def _fresh(cards: Sequence[Card], before: Fragment | None, now: datetime) -> set[str]:
    """The ids of the cards whose order has just moved, and not of those that only came into view. `before` holds (id,
    revision, stuck) as the last of its version."""
    if before is None:
        return set()
    assert isinstance(before.version, tuple)
    known = {(order_id, revision) for order_id, revision, _ in before.version[2]}
    return {
        card.order_id
        for card in cards
        if (card.order_id, card.revision) not in known and now - card.last_recorded_at < _JUST
    }
