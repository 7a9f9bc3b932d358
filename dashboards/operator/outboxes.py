"""How the services' outboxes stand, as their relays reported it last."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.edges.outbox.lag import Lag, Writer

SILENT = timedelta(seconds=10)
"""Relays report every two seconds: one that has not for so long is taken to be gone."""

LATE = timedelta(seconds=30)
"""An event that waits for longer is bad news."""

HELD_SECONDS = 2.0
"""A transaction that is open for longer is shown."""

_QUERY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Outbox:
    """An outbox as it stood at `reported_at`."""

    lag: Lag
    reported_at: datetime

    @property
    def oldest_since(self) -> datetime | None:
        """When the oldest event that waits was written, to the second; None: none waits."""
        return None if self.lag.oldest_s is None else self.ago(self.lag.oldest_s)

    @property
    def holding(self) -> list[Writer]:
        """The open transactions that hold orders up for longer than is usual, the oldest first."""
        return [writer for writer in self.lag.writers if (writer.age_s or 0) >= HELD_SECONDS]

    def silent(self, now: datetime) -> bool:
        """Whether its relays are gone: nothing was reported for too long."""
        return now - self.reported_at > SILENT

    def late(self, now: datetime) -> bool:
        """Whether events wait for too long."""
        return self.oldest_since is not None and now - self.oldest_since > LATE

    def ago(self, seconds: float) -> datetime:
        """The moment so long before the report, to the second: the same from report to report."""
        return datetime.fromtimestamp(round(self.reported_at.timestamp() - seconds), UTC)

    def shown(self, now: datetime) -> Hashable:
        """What a page shows of it, ages aside."""
        writers = tuple(
            (writer.pid, self.ago(writer.age_s or 0), writer.waiting, query(writer)) for writer in self.holding
        )
        lag, silent = self.lag, self.silent(now)
        return (
            lag.source,
            lag.pending,
            self.oldest_since,
            lag.relay_pid is None,
            self.late(now),
            silent and self.reported_at,
            writers,
        )


def query(writer: Writer) -> str:
    """A transaction's last statement on one line, shortened; empty where it may not be seen."""
    text = " ".join((writer.query or "").split())
    return text if len(text) <= _QUERY_LENGTH else f"{text[:_QUERY_LENGTH]}…"


@dataclass(frozen=True, slots=True)
class Outboxes:
    """All that have reported, by source. `away`: the cache did not answer, and this is what it said last."""

    known: tuple[Outbox, ...] = ()
    away: bool = False
