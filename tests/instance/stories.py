"""Stories of orders with everything that can go wrong in them, and the many ways a log may tell the same story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from pipelines.engine.transport import Batch, Chunk
from tests.instance.direct import RECORDED, record
from tests.support.events import LIFE, event

PARTITIONS = 2

ORDERS = {0: ["A0", "A2", "acme:3"], 1: ["A1", "acme:1"]}
"""Orders by their home among two partitions."""

KINDS = [
    *LIFE, *LIFE, "cancelled", "price_failed", "price_retry_requested", "revised", "note_added", "released", "released",
    "poison", "unknown version", "unknown type", "invalid", "garbage", "misrouted", "conflict",
]  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One event of a story. `honest`: another copy may carry another time and trace, as a retry does."""

    body: dict[str, Any] | bytes
    honest: bool


@dataclass(frozen=True)
class Story:
    """By partition, and in it by order: what the log says before and after a new release of the code."""

    before: dict[int, list[list[Told]]]
    after: dict[int, list[list[Told]]]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a story of all orders."""
    before: dict[int, list[list[Told]]] = {}
    after: dict[int, list[list[Told]]] = {}
    for partition, orders in ORDERS.items():
        before[partition], after[partition] = [], []
        for order_id in orders:
            steps = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-3, 20)), max_size=12))
            told: list[Told] = []
            for number, (kind, hour) in enumerate(steps):
                told.append(_tell(order_id, partition, number, kind, hour, told))
            deploy = draw(st.integers(0, len(told)))
            before[partition].append(told[:deploy])
            after[partition].append(told[deploy:])
    return Story(before, after)


def _tell(order_id: str, partition: int, number: int, kind: str, hour: int, told: Sequence[Told]) -> Told:
    names: dict[str, Any] = {"event_id": f"{order_id}-{number}", "hour": hour}
    if kind == "garbage":
        return Told(f'{{"{order_id}": {number}'.encode(), honest=False)
    if kind == "invalid":
        return Told(event(order_id, "submitted", event_id=names["event_id"], time=f"noon {number}"), honest=False)
    if kind == "misrouted":
        return Told(event(ORDERS[1 - partition][0], "note_added", **names), honest=True)
    if kind == "conflict":
        earlier = [one.body for one in told if isinstance(one.body, dict) and one.honest]
        if earlier:
            first = earlier[number % len(earlier)]
            return Told({**first, "data": {**first["data"], "changed": number}}, honest=True)
        kind = "note_added"
    if kind == "poison":
        return Told(event(order_id, "note_added", data={"text": "poison", "author": "a"}, **names), honest=True)
    if kind == "unknown version":
        return Told(event(order_id, "packaging", type="order.packaging.v2", **names), honest=True)
    if kind == "unknown type":
        return Told(event(order_id, "note_added", type="shop.thanked.v1", **names), honest=True)
    if order_id.startswith("acme:") and kind in ("initiated", "file_uploaded", "submitted"):
        return Told(event(order_id, kind, source="/partners/acme", **names), honest=True)
    return Told(event(order_id, kind, **names), honest=True)


def plain_batch(partition: int, orders: Sequence[Sequence[Told]], offset: int) -> Batch | None:
    """Return everything in one batch of one chunk, order by order; None where there is nothing."""
    records = [record(told.body) for order in orders for told in order]
    return Batch(partition, offset, [Chunk(partition, offset, RECORDED, records)]) if records else None


class Log:
    """One partition's log of a story: orders interleaved, events repeated, cut into chunks of different months."""

    def __init__(self, partition: int, random: Random) -> None:
        self._partition = partition
        self._random = random
        self._told: list[Told] = []
        self._recorded_at = RECORDED
        self.end = 0

    def batches(self, orders: Sequence[Sequence[Told]]) -> list[Batch]:
        """Append these orders' events; return them as batches. An event's first copy keeps its place in its order."""
        queues = [list(order) for order in orders if order]
        sequence: list[Told] = []
        while queues:
            queue = self._random.choice(queues)
            one = queue.pop(0)
            sequence.append(one)
            self._told.append(one)
            queues = [queue for queue in queues if queue]
            while self._random.random() < 0.3:
                sequence.append(self._again(self._random.choice(self._told)))
        found: list[Batch] = []
        while sequence:
            first, chunks = self.end, []
            for _ in range(self._random.randint(1, 3)):
                size = self._random.randint(1, 6)
                part, sequence = sequence[:size], sequence[size:]
                if part:
                    chunks.append(self._chunk(part))
            found.append(Batch(self._partition, first, chunks))
        return found

    def _chunk(self, part: Sequence[Told]) -> Chunk:
        self.end += self._random.choice([0, 0, 0, 2])  # offsets that hold no events
        self._recorded_at += timedelta(days=self._random.choice([0, 0, 1, 30]))
        chunk = Chunk(self._partition, self.end, self._recorded_at, [record(told.body) for told in part])
        self.end = chunk.end_offset
        return chunk

    def _again(self, told: Told) -> Told:
        if told.honest and isinstance(told.body, dict) and self._random.random() < 0.5:
            retried = {**told.body, "time": "2031-01-01T00:00:00Z", "traceparent": None}
            return Told(dict(reversed(retried.items())), honest=True)
        return told
