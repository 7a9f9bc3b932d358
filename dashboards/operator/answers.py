"""What the board knows, as JSON: moments are RFC 3339 in UTC, durations seconds, money a decimal string."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from dashboards.operator.formats import rfc3339
from dashboards.operator.listing.listings import Page
from dashboards.operator.listing.question import Question
from dashboards.operator.outboxes import Outboxes, query
from dashboards.operator.pipeline.lag import Lag
from dashboards.operator.rows import Board, Card, Standing, Story, target_of
from schemas.lifecycle import FINAL


def board_answer(board: Board, cards: list[Card], now: datetime) -> dict[str, Any]:
    """Return counts and `cards`, with how old they are."""
    standing = board.standing
    return {
        "instance": str(standing.instance),
        "source": board.source,
        "database_away": board.database_away,
        "as_of": _as_of(standing, dict(board.offsets)),
        "counts": {stage: sum(partners.values()) for stage, partners in board.counts.items()},
        "partners": {stage: dict(partners) for stage, partners in board.counts.items()},
        "set_aside": _set_aside(standing),
        "orders": [card_answer(card, now) for card in cards],
    }


def page_answer(page: Page, question: Question, now: datetime) -> dict[str, Any]:
    """Return a page of the table.

    `before` and `after` are the cursors of the pages around it, null where there is none. `searched`: the walk was cut
    short and goes on at `after`. `total`: how many orders are meant, null if that is not known.
    """
    return {
        "instance": str(page.standing.instance),
        "as_of": _as_of(page.standing, {}),
        "sequence": question.sequence,
        "total": page.total,
        "orders": [card_answer(card, now) for card in page.cards],
        "before": page.before or None,
        "after": page.after or None,
        "searched": page.searched,
    }


def card_answer(card: Card, now: datetime) -> dict[str, Any]:
    """Return an order as it stands. `held_seconds` is how long it has been in its stage: null once it is finished."""
    target = target_of(card.stage)
    finished = card.stage in FINAL
    return _plain(asdict(card)) | {
        "held_seconds": None if finished else card.held(now).total_seconds(),
        "target_seconds": None if target is None else target.total_seconds(),
        "stuck": card.overdue(now) is not None,
    }


def story_answer(story: Story, now: datetime) -> dict[str, Any]:
    """Return an order with its timeline. Its fields are those of `card_answer`, or only a null `stage` where all its
    events so far are parked. `missing` events more are in the archive, which does not give them."""
    state = {"order_id": story.order_id, "stage": None} if story.card is None else card_answer(story.card, now)
    return {
        **state,
        "closed_at": None if story.closed_at is None else rfc3339(story.closed_at),
        "timeline": [_plain(asdict(entry)) for entry in story.timeline],
        "parked": [_plain(asdict(event)) for event in story.parked],
        "missing": story.missing,
        "instance": str(story.standing.instance),
        "source": "database",
        "behind": story.behind,
        "as_of": _as_of(story.standing, {}),
    }


def outboxes_answer(outboxes: Outboxes, now: datetime) -> dict[str, Any]:
    """Return each outbox as it stood at its `reported_at`, with all open transactions that have written events.

    `silent`: its relays have not reported for too long. `cache_away`: this is what they had reported before.
    """
    return {
        "cache_away": outboxes.away,
        "outboxes": [
            {
                "source": outbox.lag.source,
                "pending": outbox.lag.pending,
                "oldest_seconds": outbox.lag.oldest_s,
                "relayed": outbox.lag.relay_pid is not None,
                "silent": outbox.silent(now),
                "reported_at": rfc3339(outbox.reported_at),
                "writers": [{**asdict(writer), "query": query(writer)} for writer in outbox.lag.writers],
            }
            for outbox in outboxes.known
        ],
    }


def lag_answer(lag: Lag, now: datetime) -> dict[str, Any]:
    """Return what waits in each partition, and whether it is stalled: events wait, and none takes effect."""
    return {
        "read_at": rfc3339(lag.read_at),
        "events": lag.events,
        "partitions": [
            {
                "partition": one.position.partition,
                "events": one.waiting.events,
                "oldest_recorded_at": None if one.waiting.oldest is None else rfc3339(one.waiting.oldest),
                "next_offset": one.position.next_offset,
                "end_offset": one.waiting.end,
                "committed_at": None if one.position.committed_at is None else rfc3339(one.position.committed_at),
                "stalled": one.stalled(now),
            }
            for one in lag.partitions
        ],
    }


def _as_of(standing: Standing, offsets: dict[int, int]) -> dict[str, Any]:
    return {
        "committed_at": None if standing.committed_at is None else rfc3339(standing.committed_at),
        "recorded_at": None if standing.recorded_at is None else rfc3339(standing.recorded_at),
        "read_at": rfc3339(standing.read_at),
        "replica": None
        if standing.replica is None
        else {
            "behind_seconds": standing.replica.behind.total_seconds(),
            "behind_bytes": standing.replica.bytes,
            "connected": standing.replica.connected,
        },
        "partitions": [
            {
                "partition": position.partition,
                "offset": offsets.get(position.partition, position.next_offset),
                "recorded_at": None if position.recorded_at is None else rfc3339(position.recorded_at),
                "committed_at": None if position.committed_at is None else rfc3339(position.committed_at),
            }
            for position in standing.positions
        ],
    }


def _set_aside(standing: Standing) -> dict[str, int]:
    return {
        "quarantined": standing.quarantined,
        "parked_events": standing.parked_events,
        "parked_orders": standing.parked_orders,
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in fields.items()}
