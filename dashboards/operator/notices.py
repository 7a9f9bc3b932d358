"""What to know of the figures before believing them: which store is away or behind, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from dashboards.operator.hot_cache import HotCache
from dashboards.operator.pipeline.lag import LATE
from dashboards.operator.pipeline.streams import Streams
from dashboards.operator.reads import Reads
from dashboards.operator.rows import Standing
from schemas.errors import StoreError

Name = Literal[
    "database_away", "cache_away", "nothing", "replica_behind", "replica_alone", "broker_away", "stalled", "behind",
    "no_month",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """One of them. `name` is that of its text, `notice.<name>`; `level` how bad it is; `{age}` in the text is `age`."""

    name: Name
    level: Literal["bad", "late"]
    age: timedelta = timedelta()


class Notices:
    """What is to be said now."""

    def __init__(self, reads: Reads, cache: HotCache, streams: Streams) -> None:
        self._reads = reads
        self._cache = cache
        self._streams = streams

    async def now(self) -> list[Notice]:
        """Return it, the worst first. Raises nothing."""
        try:
            standing, away = await self._reads.latest_standing()
        except StoreError:
            return notices(None, database_away=True, cache_away=self._cache.away)
        found = notices(standing, database_away=away, cache_away=self._cache.away)
        return found if away else [*found, *_of_streams(self._streams, datetime.now(UTC))]


def _of_streams(streams: Streams, now: datetime) -> list[Notice]:
    if streams.away or streams.lag is None:
        return [Notice("broker_away", "late")] if streams.away else []
    stalled = streams.lag.stalled(now)
    if stalled:
        since = min(one.position.committed_at or one.waiting.oldest or now for one in stalled)
        return [Notice("stalled", "bad", _whole(now - since))]
    oldest = streams.lag.oldest
    if oldest is not None and now - oldest > LATE:
        return [Notice("behind", "late", _whole(now - oldest))]
    return []


def _whole(length: timedelta) -> timedelta:
    """Whole seconds, so that the same is said until it differs; of a minute and more only every ten seconds."""
    seconds = int(length.total_seconds())
    return timedelta(seconds=seconds if seconds < 60 else seconds // 10 * 10)


def notices(standing: Standing | None, *, database_away: bool, cache_away: bool) -> list[Notice]:
    """Return what is to be said of the stores, the worst first. `standing` None: nothing has ever been read."""
    found = []
    if standing is None:
        return [Notice("nothing", "bad")]
    if database_away:
        found.append(Notice("nothing" if cache_away else "database_away", "bad"))
    elif cache_away:
        found.append(Notice("cache_away", "late"))
    if standing.months_ahead == 0:
        found.append(Notice("no_month", "bad"))
    replica = standing.replica
    if not database_away and replica is not None and replica.late:
        name: Name = "replica_behind" if replica.connected else "replica_alone"
        found.append(Notice(name, "late", _whole(replica.behind)))
    return found
