"""Publish to a super stream and know what the broker has: batches, confirmed, routed as every official client does.

Publishers here are unnamed: the broker's own deduplication keeps one high-water mark per name and throws away what
lies below, stored or not. What is published twice is dropped by the ledger, by event id. Where publishing ids exist
already, such as the rows of an outbox, see `NamedPublisher`.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.engine.transport.amqp import encode
from pipelines.engine.transport.connection import FRAME_MAX
from pipelines.engine.transport.fleet import Fleet, FleetPublisher, Part
from pipelines.engine.transport.subentries import COMPRESSIONS, Compression, pack
from schemas.envelope import CONTENT_TYPE
from schemas.errors import PublishRefused
from schemas.streams import partition_of

_SUB_ENTRY_BYTES = 64 * 1024
_SUB_ENTRY_RECORDS = 1000
_LONGEST_TEXT = 256  # characters of an id or filter value
_LARGEST_BODY = FRAME_MAX - 4096  # the rest is for the frame, the message's head, id and filter value

_PLAIN, _SUB_ENTRIES = 2, 1  # versions of the Publish frame: sub-entries have no filter values


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to publish: `subject` chooses its partition; `filter_value` is ASCII, "" for none.

    `message_id` and `filter_value` have at most 256 characters.

    For an event these are the order, the event's id and its type.
    """

    subject: str
    body: bytes
    message_id: str
    filter_value: str
    content_type: str | None = CONTENT_TYPE


class SuperStreamPublisher(FleetPublisher):
    """Publishes to a super stream, each order to its home partition, or to a plain stream, which is one partition.

    Connections are made when first needed, and anew after a loss. One order's messages of one call keep their order.
    `partitions`, where given, is how many there must be; see `streams_of`. With `compression` messages travel and
    are stored in compressed groups, a third of their size or less; such messages have no filter values, so a filtered
    reader must ask for unfiltered ones too.
    """

    def __init__(
        self, url: str, stream: str, partitions: int | None = None, *, compression: Compression | None = None
    ) -> None:
        if compression not in (None, *COMPRESSIONS):
            raise PublishRefused(f"compression {compression!r} is none of {', '.join(COMPRESSIONS)}")
        version = _PLAIN if compression is None else _SUB_ENTRIES
        super().__init__(Fleet(url, stream, partitions, version=version))
        self._compression = compression

    async def publish(self, messages: Sequence[Message], *, timeout: float = 30.0) -> None:
        """Return when the broker has confirmed every message.

        Raises:
            Unconfirmed: within `timeout` seconds it has not, or it refused some; `indexes` are their places in
                `messages`. They may be in the stream or not; all others are. None is sent again by itself.
            PublishRefused: one of them can never be published; nothing was sent.
        """
        check(messages)
        homes: defaultdict[int, list[int]] = defaultdict(list)
        partitions = len(self._fleet.streams)
        for place, message in enumerate(messages):
            homes[partition_of(message.subject, partitions)].append(place)
        parts = ((home, self._part(messages, places)) for home, places in homes.items())
        await self._fleet.publish(parts, timeout)

    async def publish_to(self, partition: int, messages: Sequence[Message], *, timeout: float = 30.0) -> None:
        """Like `publish`, into a partition that the caller has found, whose business it is that it is the right one."""
        check(messages)
        await self._fleet.publish([(partition, self._part(messages, list(range(len(messages)))))], timeout)

    def _part(self, messages: Sequence[Message], places: list[int]) -> Part:
        if self._compression is None:
            return Part([entry(messages[place]) for place in places], places)
        records = [_record(messages[place]) for place in places]
        groups = list(_groups(records))
        return Part([pack(group, self._compression) for group in groups], places, counts=list(map(len, groups)))


def check(messages: Iterable[Message]) -> None:
    """Raise PublishRefused for a message that would break the frame it stands in, or is larger than one."""
    for message in messages:
        if not message.filter_value.isascii():
            raise PublishRefused(f"filter value {message.filter_value!r} is not ASCII")
        if len(message.filter_value) > _LONGEST_TEXT or len(message.message_id) > _LONGEST_TEXT:
            raise PublishRefused(f"an id or filter value of more than {_LONGEST_TEXT} characters")
        if len(message.body) > _LARGEST_BODY:
            raise PublishRefused(f"a body of {len(message.body)} bytes; a message may have {_LARGEST_BODY}")


def entry(message: Message) -> bytes:
    """Return the message as it stands in a version 2 Publish frame, after its publishing id."""
    data = _record(message)
    return b"".join((_filter(message.filter_value), len(data).to_bytes(4, "big"), data))


def _record(message: Message) -> bytes:
    return encode(message.body, message.message_id, message.content_type)


@functools.lru_cache(maxsize=1024)
def _filter(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode("ascii")


def _groups(records: list[bytes]) -> Iterable[list[bytes]]:
    """Cut the records, in order, into groups for one sub-entry each."""
    group: list[bytes] = []
    size = 0
    for record in records:
        if group and (size + len(record) > _SUB_ENTRY_BYTES or len(group) == _SUB_ENTRY_RECORDS):
            yield group
            group, size = [], 0
        group.append(record)
        size += len(record)
    if group:
        yield group
