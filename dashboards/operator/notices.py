"""What to know of the figures before believing them: which store is away or behind, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from dashboards.operator.rows import Standing

Name = Literal["database_away", "cache_away", "nothing", "replica_behind", "replica_alone"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One of them. `name` is that of its text, `notice.<name>`; `level` how bad it is; `{age}` in the text is `age`."""

    name: Name
    level: Literal["bad", "late"]
    age: timedelta = timedelta()


def notices(standing: Standing | None, *, database_away: bool, cache_away: bool) -> list[Notice]:
    """Return what is to be said, the worst first. `standing` None: nothing has ever been read.

    Ages are of whole seconds, so that the same is said until it differs.
    """
    found = []
    if standing is None:
        return [Notice("nothing", "bad")]
    if database_away:
        found.append(Notice("nothing" if cache_away else "database_away", "bad"))
    elif cache_away:
        found.append(Notice("cache_away", "late"))
    replica = standing.replica
    if not database_away and replica is not None and replica.late:
        age = timedelta(seconds=int(replica.behind.total_seconds()))
        found.append(Notice("replica_behind" if replica.connected else "replica_alone", "late", age))
    return found
