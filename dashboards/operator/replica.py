"""How far the read replica is behind its primary, in time.

A replica knows when the last transaction it shows was committed. On a busy primary that is its lag; on a quiet one it
grows though nothing is missing. So it counts only while something is, and from the last moment at which nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

LATE = timedelta(seconds=5)
"""A replica further behind than this is shown as news, on every page."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What is missing: all of the last `behind`, or less. `bytes` of the log are here and not replayed yet.

    `connected`: whether the primary sends; a link that is dead without a word counts as one for up to a minute.
    """

    behind: timedelta
    bytes: int
    connected: bool

    @property
    def late(self) -> bool:
        """Whether it is so far behind that whoever reads should know."""
        return self.behind > LATE


class ReplicaLag:
    """Measures from one look to the next. Its moments are all by the replica's clock, but for one of the primary's."""

    def __init__(self) -> None:
        self._level_at: datetime | None = None

    def measured(self, row: Mapping[str, Any] | asyncpg.Record | None) -> Replica | None:
        """Return the lag by a row of `replica.sql`; None where there is none, as the primary itself answered."""
        if row is None:
            return None
        if row["connected"] and row["bytes"] <= 0:
            self._level_at = row["read_at"]
            return Replica(timedelta(), 0, connected=True)
        since = row["replayed_at"] if self._level_at is None else max(self._level_at, row["replayed_at"])
        return Replica(max(timedelta(), row["read_at"] - since), max(0, row["bytes"]), row["connected"])
