"""Every error Warren raises on purpose, as one tree.

    WarrenError
    ├── SettingsError            a setting is missing or makes no sense
    │   └── AddressError         the stream broker's address is none
    ├── EventRejected            these bytes are not an event we can accept: quarantine
    ├── UnknownVersion           a known event in a version we cannot read: park its order
    ├── StreamError
    │   ├── StreamUnavailable    the broker cannot be reached or refuses: retry
    │   │   ├── BrokerAway       nobody answers at its address
    │   │   ├── BrokerRefused    it does not let us in
    │   │   ├── PartitionMismatch  the super stream has another number of partitions
    │   │   └── GroupStuck       it has made no member of a consumer group active: stay away, then retry
    │   ├── StreamMissing        no such stream: somebody has to make it
    │   ├── EventsLost           retention removed events we had not read: stop and alarm
    │   ├── StreamReplaced       another stream has the name of the one we read: stop and alarm
    │   ├── Unconfirmed          published, but the broker did not say so: the caller decides
    │   │   └── EventsUnconfirmed  names these events (in `pipelines.edges.publisher`)
    │   └── PublishRefused       a message that can never be published as it is: nothing was sent
    ├── StoreError
    │   ├── StoreUnavailable     the database cannot be reached: retry
    │   │   └── ArchiveAway      nor can the archive (in `pipelines.edges.archive`)
    │   ├── StoreForbidden       the account may not do it
    │   ├── Fenced               another consumer owns the partition now: stop committing
    │   ├── StoreBehind          the schema is older than the code: run `warren migrate`
    │   └── OutboxInUse          an outbox has unpublished events (in `pipelines.edges.outbox`)
    ├── ArchiveError             the archive is not as it must be (in `pipelines.edges.archive`)
    │   ├── ArchiveBusy          somebody else is at it, or holds a table
    │   └── ArchiveDamaged       a file is missing, or not as it was written
    ├── ParkingStorm             too many orders park: a bad deploy, not bad orders
    ├── AuditImpossible          the audit cannot see all it would have to (in `pipelines.audit`)
    └── OutboxAuditImpossible    that of an outbox cannot say anything now (in `pipelines.edges.outbox`)

A message says what happened and what to do next, in one line. Fields carry what recovery needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.envelope import Identified


def said(error: BaseException) -> str:
    """Return what an error says, in one line: PostgreSQL's and pydantic's have many. One that says nothing, its kind.

    Never raises, also where the error's own text cannot be had.
    """
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    return text or type(error).__name__


def told(error: BaseException) -> str:
    """Return an error's kind and what it says, in one line, for logs and health texts. Never raises."""
    kind, text = type(error).__name__, said(error)
    return kind if text == kind else f"{kind}: {text}"


class WarrenError(Exception):
    """Base of every error raised on purpose."""


class SettingsError(WarrenError):
    """A setting is missing or makes no sense; the message names it."""


class AddressError(SettingsError):
    """What should say where the stream broker is does not. Shows no piece that may be a password's."""


class Reason(StrEnum):
    """Why an event stands in quarantine."""

    UNPARSABLE = "unparsable"
    INVALID = "invalid"
    OVERSIZED = "oversized"
    FORBIDDEN_SOURCE = "forbidden_source"
    MISROUTED = "misrouted"
    CONFLICT = "conflict"


class EventRejected(WarrenError):
    """These bytes are no event that may take effect.

    `reason` goes to the quarantine with `detail`, a text for a human, and with whatever of the envelope
    could be read: `envelope` holds the fields `source`, `id`, `type` and `subject` that were strings.
    """

    def __init__(self, reason: Reason, detail: str, envelope: dict[str, Any] | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.envelope = envelope or {}


class UnknownVersion(WarrenError):
    """A known stage in a version this release cannot read.

    Not a bad event: a newer release will understand it, so its order waits, parked. `identified` is its envelope
    with identity and content.
    """

    def __init__(self, identified: Identified) -> None:
        super().__init__(f"this release cannot read {identified.event.type}; deploy one that can, then release")
        self.identified = identified


class StreamError(WarrenError):
    """Base of everything the transport reports."""


class StreamUnavailable(StreamError):
    """The broker cannot be reached, closed the connection or refused. Retry after a pause."""


class BrokerAway(StreamUnavailable):
    """Nobody answers at the broker's address."""


class BrokerRefused(StreamUnavailable):
    """The broker answers and does not let us in: its certificate, the account or the virtual host."""


class PartitionMismatch(StreamUnavailable):
    """A super stream has `actual` partitions and should have `expected`.

    None are ever added in place, as keys would lie elsewhere then. A broker that is just starting may know only some.
    """

    def __init__(self, stream: str, actual: int, expected: int) -> None:
        super().__init__(f"super stream {stream!r} has {actual} partitions, not {expected}")
        self.stream = stream
        self.actual = actual
        self.expected = expected


class GroupStuck(StreamUnavailable):
    """The broker has made no member of a consumer group active, though there is work.

    `retry_after_s`: how long to stay away from the group, in seconds.
    """

    def __init__(self, stream: str, position: int, end: int, retry_after_s: float) -> None:
        super().__init__(
            f"{stream}: nobody goes on from offset {position}, though there are events up to {end}; "
            f"leaving the group for {retry_after_s:.0f} s, so that the broker forgets it"
        )
        self.retry_after_s = retry_after_s


class StreamMissing(StreamError):
    """The stream does not exist. `stream` is its name, `kind` what was looked for."""

    def __init__(self, stream: str, kind: str = "stream") -> None:
        super().__init__(f"{kind} {stream!r} does not exist; create it first")
        self.kind = kind
        self.stream = stream


class EventsLost(StreamError):
    """Retention removed events that were never read.

    `expected` is the offset the checkpoint asks for, `first_available` the oldest the stream still has.
    """

    def __init__(self, stream: str, expected: int, first_available: int) -> None:
        super().__init__(
            f"stream {stream!r} begins at offset {first_available}, but offset {expected} is the next to read: "
            f"retention removed {first_available - expected} unread events; restore them, or begin anew with a new "
            f"consumer group"
        )
        self.stream = stream
        self.expected = expected
        self.first_available = first_available


class StreamReplaced(StreamError):
    """The stream is not the one that was read so far: it was deleted and made anew, or lost events it had confirmed.

    `expected` is the offset the checkpoint asks for, which means nothing in this stream; `why` says how it is known.
    """

    def __init__(self, stream: str, expected: int, why: str) -> None:
        super().__init__(
            f"stream {stream!r} is not the one that was read up to offset {expected}: {why}; "
            f"bring the old stream back, or read this one from its beginning with a new consumer group"
        )
        self.stream = stream
        self.expected = expected
        self.why = why


class Unconfirmed(StreamError):
    """The broker did not confirm these events in time, or refused them.

    They may be in the stream or not. Publishing them again under the same event ids is safe where the reader drops
    what arrives twice, as Warren's ledger does. `indexes` are their places in the published sequence, `why` the reason
    of one of them.
    """

    def __init__(self, indexes: Sequence[int], why: str) -> None:
        super().__init__(f"{len(indexes)} events are unconfirmed: {why}; publish them again, same ids")
        self.indexes = tuple(indexes)
        self.why = why


class PublishRefused(StreamError):
    """A message that can never be published as it is; nothing of the call was sent. The message says what to mend."""


class StoreError(WarrenError):
    """Base of what the stores report on purpose."""


class StoreUnavailable(StoreError):
    """The database cannot be reached. Retry after a pause."""


class StoreForbidden(StoreError):
    """The account has not the right to do what it was asked to."""


class Fenced(StoreError):
    """Another consumer has taken the partition over: nothing of this owner may commit any more (I5)."""

    def __init__(self, partition: int, epoch: int) -> None:
        super().__init__(f"partition {partition} was taken over; epoch {epoch} may not commit any more")
        self.partition = partition
        self.epoch = epoch


class StoreBehind(StoreError):
    """The database has not the tables this release needs."""


class ParkingStorm(WarrenError):
    """So many orders park that the code must be at fault; the pipeline stops before it commits them."""

    def __init__(self, parked: int, orders: int, last_reason: str) -> None:
        super().__init__(
            f"{parked} of the last minute's {orders} orders would be parked (last: {last_reason}); "
            f"this looks like a bad deploy: roll back, then start again, nothing was skipped"
        )
        self.parked = parked
        self.orders = orders
