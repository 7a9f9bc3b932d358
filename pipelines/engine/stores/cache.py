"""The hot cache in Redis: one partition's lanes, counts and cards, always whole or not there (I6).

Everything of a partition lives under one hash tag, so that one script sees it all, in a cluster too:

    <root>{p3}                       marker: hash of `generation` and `offset`
    <root>{p3}:<gen>:card:<order>    the card (JSON) of an order that stands in a lane
    <root>{p3}:<gen>:lane:<stage>    sorted set of order ids, scored by when they came into it (ms)
    <root>{p3}:<gen>:floors          hash of stage to the score below which its lane is cut off
    <root>{p3}:<gen>:counts          hash of "<stage>|<partner>" to a number of orders
    <root>changes                    channel: JSON of what each batch changed

The root is `<prefix><instance>:<format>:`, such as `warren:views@1:f2:`.

A write does nothing unless the marker is of the generation its owner knows and stands where the batch begins. Whatever
went wrong before — a flush, an outage, a takeover — the partition is then built anew from Postgres under a new
generation, by one script. Memory is bounded: a lane holds `LANE_LENGTH` orders, and there are no other cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from redis.asyncio import Redis

FORMAT = "f2"
"""What keys, scripts, cards and announcements look like; another name whenever one of them changes.

Two releases side by side then have caches of their own, and neither misreads the other's. What one of them leaves
behind, nobody removes: delete `<prefix>*:<former format>:*` once its last process is gone.
"""

LANE_LENGTH = 400
"""So many orders are kept in one lane of one partition: the latest to come."""

READ_LENGTH = 200
"""The most cards of one lane a reader asks for. The difference is a reserve for orders that leave the lane."""


class Spot(NamedTuple):
    """Where an order stands: in which lane, and its place there, the latest highest. It keeps it while in the lane."""

    lane: str
    score: int


class Standing(NamedTuple):
    """What a partition's owner knows of its keys: their generation, and each lane's floor.

    A floor is the highest score ever cut off from the lane; a lane never cut off has none. Within a generation floors
    only rise.
    """

    generation: str
    floors: Mapping[str, int]

    def shows(self, before: Spot | None, after: Spot) -> bool:
        """Say whether an order that goes from one spot (None: from nowhere) to another can be seen in either."""
        floors = self.floors
        if after.lane not in floors or after.score >= floors[after.lane]:
            return True
        return before is not None and (before.lane not in floors or before.score >= floors[before.lane])


@dataclass(frozen=True, slots=True)
class CardChange:
    """An order's new card, and where it stands now. `before` is where it stood, None for an order not seen before."""

    order_id: str
    card: bytes
    before: Spot | None
    after: Spot


@dataclass(frozen=True, slots=True)
class PartitionBoard:
    """What the cache knows of one partition. `counts` is keyed by "<stage>|<partner>".

    `lanes` holds the latest cards of each lane asked for; None stands for a card that somebody has deleted. What is
    of the same generation and offset is the same.
    """

    generation: str
    offset: int
    counts: dict[str, int]
    lanes: dict[str, list[bytes | None]]


class Cache:
    """Reads and writes one pipeline instance's keys. Errors of the client pass through: the caller decides."""

    def __init__(self, redis: Redis, prefix: str, instance: str) -> None:
        self._redis = redis
        self._every_format = f"{prefix}{instance}:"
        self._root = f"{self._every_format}{FORMAT}:"
        self._scripts = {
            name: redis.register_script(files(__package__).joinpath(f"lua/{name}.lua").read_text())
            for name in ("apply", "rebuild", "whole", "read_board", "read_card")
        }

    @property
    def changes_channel(self) -> str:
        """The channel on which `announce` speaks."""
        return f"{self._root}changes"

    async def offset(self, partition: int) -> int | None:
        """Return the offset the partition's keys stand at, None where they are not there."""
        value = await self._redis.hget(self._marker(partition), "offset")
        return None if value is None else int(value)

    async def standing(self, partition: int, offset: int) -> Standing | None:
        """Return how the partition's keys stand; None unless all are there, at `offset`, and no lane has run dry."""
        found = await self._scripts["whole"](keys=[self._marker(partition)], args=[offset, READ_LENGTH])
        return None if found is None else _standing(*found)

    async def apply(
        self,
        partition: int,
        known: Standing,
        first_offset: int,
        next_offset: int,
        changes: Iterable[CardChange],
        counts: Mapping[str, int],
        announcement: Mapping[str, Any] | None = None,
    ) -> Standing | None:
        """Apply a committed batch, announce it, and return how the keys stand now.

        `counts` are differences. Changes that `known.shows` says no to may be left out. None, and nothing done, where
        the keys are of another generation or do not stand at `first_offset`.
        """
        rows = [[c.order_id, c.card.decode(), c.before.lane if c.before else "", *c.after] for c in changes]
        found = await self._scripts["apply"](
            keys=[self._marker(partition)],
            args=[
                known.generation, first_offset, next_offset, LANE_LENGTH, orjson.dumps(counts), orjson.dumps(rows),
                self.changes_channel, orjson.dumps(announcement) if announcement else b"",
            ],
        )  # fmt: skip
        return None if found is None else _standing(*found)

    async def rebuild(
        self, partition: int, offset: int, cards: Sequence[CardChange], counts: Mapping[str, int]
    ) -> Standing:
        """Put a partition as the tables have it at `offset` in place of what is there, at once.

        `cards` are the latest `LANE_LENGTH` of each lane, `counts` are totals. A rebuild by a former owner that comes
        late does no harm: it is of another generation than the owner knows, and is replaced.
        Return how the keys stand now.
        """
        rows = [[c.order_id, c.card.decode(), *c.after] for c in cards]
        standing = Standing(uuid4().hex[:12], _floors(cards))
        data = (orjson.dumps(dict(counts)), orjson.dumps(rows), orjson.dumps(standing.floors))
        await self._scripts["rebuild"](keys=[self._marker(partition)], args=[standing.generation, offset, *data])
        return standing

    async def announce(self, message: Mapping[str, Any]) -> None:
        """Tell whoever listens on `changes_channel`; nobody need."""
        await self._redis.publish(self.changes_channel, orjson.dumps(message))

    async def read_board(
        self,
        partitions: Sequence[int],
        lanes: Sequence[str],
        limit: int,
        known: Mapping[int, PartitionBoard] | None = None,
    ) -> list[PartitionBoard | None]:
        """Return each partition's board in one round trip; None for one that is not in the cache.

        `known` are answers to the same question by partition: one that is still true is not sent again, but returned.
        """
        before = known or {}
        pipe = self._redis.pipeline(transaction=False)
        for partition in partitions:
            last = before.get(partition)
            stands = [last.generation, last.offset] if last else ["", ""]
            await self._scripts["read_board"](
                keys=[self._marker(partition)], args=[limit, *stands, *lanes], client=pipe
            )
        rows = await pipe.execute()
        return [
            before[partition] if row is not None and len(row) == 2 else self._board(row, lanes)
            for partition, row in zip(partitions, rows, strict=True)
        ]

    async def read_card(self, partition: int, order_id: str) -> bytes | None:
        """Return an order's card (JSON), None where the cache does not have it."""
        card: bytes | None = await self._scripts["read_card"](keys=[self._marker(partition)], args=[order_id])
        return card

    async def empty(self) -> None:
        """Remove everything, of other formats too. Whoever owns a partition builds its keys anew."""
        async for key in self._redis.scan_iter(match=f"{self._every_format}*", count=1000):
            await self._redis.unlink(key)

    def _marker(self, partition: int) -> str:
        return f"{self._root}{{p{partition}}}"

    @staticmethod
    def _board(row: Any, lanes: Sequence[str]) -> PartitionBoard | None:
        if row is None:
            return None
        offset, generation, flat, cards = row
        numbers = iter(flat)
        return PartitionBoard(
            generation=generation.decode(),
            offset=int(offset),
            counts={f.decode(): int(number) for f, number in zip(numbers, numbers, strict=True) if f != b"|"},
            lanes={lane: [card or None for card in found] for lane, found in zip(lanes, cards, strict=True)},
        )


def _standing(generation: bytes, floors: Sequence[bytes]) -> Standing:
    pairs = iter(floors)
    return Standing(generation.decode(), {lane.decode(): int(floor) for lane, floor in zip(pairs, pairs, strict=True)})


def _floors(cards: Sequence[CardChange]) -> Mapping[str, int]:
    """Return the lowest score of each lane that is full: there may be older orders which are not here."""
    scores: dict[str, list[int]] = {}
    for card in cards:
        scores.setdefault(str(card.after.lane), []).append(card.after.score)
    return {lane: min(found) for lane, found in scores.items() if len(found) >= LANE_LENGTH}
