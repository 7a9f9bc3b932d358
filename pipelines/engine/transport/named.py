"""Publish under ids that exist already, such as an outbox's row numbers, and let the broker drop what it has.

The broker keeps, per stream and name, the highest publishing id it has stored. Whatever comes with that id or a lower
one is confirmed and thrown away: stored before or not. So ids must rise without exception, and what was not confirmed
must be published again before anything else. That is enforced here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rstream import schema
from rstream.client import Client

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.fleet import Fleet, FleetPublisher, Part
from pipelines.engine.transport.locate import connect_to
from pipelines.engine.transport.publisher import Message, check, entry
from schemas.errors import PublishRefused, SettingsError, Unconfirmed
from schemas.streams import partition_of


@dataclass(slots=True)
class _Mark:
    """One partition: the highest id confirmed here, and the ids that were published and not confirmed."""

    confirmed: int = 0
    open: set[int] = field(default_factory=set)

    def take(self, part: Part, unconfirmed: set[int]) -> None:
        """Take down what became of a call's part; `unconfirmed` are the places of messages in the call."""
        for place, number in zip(part.places, part.ids or (), strict=True):
            if place not in unconfirmed:
                self.open.discard(number)
                self.confirmed = max(self.confirmed, number)


class NamedPublisher(FleetPublisher):
    """Publishes to a stream or super stream under `name`, each order to its home partition; one process at a time may.

    Names are few and fixed: a stream remembers 255 and forgets the oldest. Ids are 1 or more, rise within a partition
    from message to message and call to call, and may leave numbers out. After a restart, publish again from the
    first row that is not known to be confirmed: what the broker has already is confirmed at once and not stored twice.
    """

    def __init__(self, url: str, stream: str, name: str, partitions: int | None = None) -> None:
        if not name or not name.isascii() or len(name) > 255:
            raise SettingsError(f"a publisher's name is 1 to 255 characters of ASCII, not {name!r}")
        super().__init__(Fleet(url, stream, partitions, name=name))
        self._address = Address.parse(url)
        self._name = name
        self._marks: defaultdict[int, _Mark] = defaultdict(_Mark)
        self._publishing = asyncio.Lock()

    async def last_publishing_id(self, partition: int) -> int:
        """Return the highest id the partition has of this name; 0: none. Raises StreamMissing or StreamUnavailable."""
        stream = self._fleet.streams[partition]
        connection = await connect_to(self._address, stream, f"warren publisher {self._name}", leader=True)

        async def ask(client: Client) -> schema.QueryPublisherSequenceResponse:
            question = schema.QueryPublisherSequence(client._corr_id_seq.next(), self._name, stream)
            return await client.sync_request(question, resp_schema=schema.QueryPublisherSequenceResponse)

        try:
            return (await connection.request(ask)).sequence
        finally:
            await connection.close()

    async def publish(self, messages: Sequence[tuple[int, Message]], *, timeout: float = 30.0) -> None:
        """Return when the broker has confirmed every message; each comes with its publishing id.

        One call at a time; others wait.

        Raises:
            Unconfirmed: as with `SuperStreamPublisher`. Publish those again, under the same ids, alone or with newer
                ones behind them.
            PublishRefused: the ids do not rise, or leave out unconfirmed ones of the same partition, or a message
                can never be published; nothing was sent.
        """
        async with self._publishing:
            check(message for _, message in messages)
            parts = self._parts(messages)
            for home, part in parts.items():
                self._marks[home].open.update(part.ids or ())
            unconfirmed = set(range(len(messages)))
            try:
                await self._fleet.publish(parts.items(), timeout)
                unconfirmed = set()
            except Unconfirmed as failure:
                unconfirmed = set(failure.indexes)
                raise
            finally:
                for home, part in parts.items():
                    self._marks[home].take(part, unconfirmed)

    def _parts(self, messages: Sequence[tuple[int, Message]]) -> dict[int, Part]:
        parts: dict[int, Part] = {}
        for place, (publishing_id, message) in enumerate(messages):
            home = partition_of(message.subject, len(self._fleet.streams))
            part = parts.setdefault(home, Part(ids=[]))
            part.entries.append(entry(message))
            part.places.append(place)
            part.ids.append(publishing_id)  # type: ignore[union-attr]
        for home, part in parts.items():
            self._check_order(home, part.ids or [])
        return parts

    def _check_order(self, home: int, ids: list[int]) -> None:
        mark = self._marks[home]
        for before, after in pairwise([0, *ids]):
            if after <= before:
                raise PublishRefused(f"publishing id {after} after {before}: ids are 1 or more, and rise")
        missing = mark.open.difference(ids)
        if ids[0] <= mark.confirmed:
            raise PublishRefused(
                f"partition {home} has publishing id {mark.confirmed} confirmed: the broker would confirm {ids[0]} and "
                f"throw it away; publish it without a name, and let readers drop what is there twice"
            )
        if missing:
            raise PublishRefused(
                f"publishing id {min(missing)} of partition {home} is unconfirmed: publish it again first, or the "
                f"broker would throw it away later"
            )
