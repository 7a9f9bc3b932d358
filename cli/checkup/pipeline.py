"""The live pipeline: does somebody take the events, do they take effect, and how far is it behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from cli.checkup.findings import Finding, fault, fault_said, ok, warning
from cli.database import Live, live_views
from cli.server_errors import worded
from cli.standing import PartitionLag, lags
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import WarrenError

PATIENCE_SECONDS = 30.0
"""Where nothing took effect for so long though events wait, it is looked at more closely."""

LOOK_SECONDS = 6.0
"""How long: an owner that has only just begun moves within it. Longer than an owner's pause between two tries."""


async def examine_pipeline(settings: Settings) -> Finding:
    """Return what is found of the live pipeline."""
    try:
        async with live_views(settings) as live:
            found = await lags(settings, live)
            stuck = await _stuck(settings, live, found)
    except (WarrenError, *DATABASE_ERRORS) as error:
        return fault_said("pipeline", worded(error), "see the lines above, then ask again")
    check, start = f"pipeline {live.instance}", f"run `warren run {live.instance}`"
    if stuck:
        worst = max(stuck, key=_idle_seconds)
        return fault(
            check,
            f"nothing of partition {worst.partition} has taken effect for {_idle_seconds(worst):.0f} s, "
            f"though {worst.events} events wait ({len(stuck)} of {len(found)} partitions are like that)",
            f"see the log or /readyz of its owner, {worst.owner}",
        )
    owned = sum(lag.owned for lag in found)
    facts = f"{owned} of {len(found)} partitions have an owner"
    untaken = [lag for lag in found if not lag.owned and lag.events]
    if untaken:
        former = {lag.owner for lag in untaken if lag.owner}
        advice = f"{start}, or see why {', '.join(sorted(former))} let go, in its log" if former else start
        return fault(check, f"{facts}; {sum(lag.events for lag in untaken)} events wait in the others", advice)
    if owned < len(found):
        return warning(check, facts, start)
    return ok(check, f"{facts}, {sum(lag.events for lag in found)} events wait")


async def _stuck(settings: Settings, live: Live, found: list[PartitionLag]) -> list[PartitionLag]:
    """Return the partitions that have an owner and waiting events, and do not move."""
    suspects = {lag.partition: lag for lag in found if lag.owned and _idle_seconds(lag) > PATIENCE_SECONDS}
    if not suspects:
        return []
    await asyncio.sleep(LOOK_SECONDS)
    again = await lags(settings, live)
    return [lag for lag in again if (was := suspects.get(lag.partition)) and lag.next_offset == was.next_offset]


def _idle_seconds(lag: PartitionLag) -> float:
    """For how long nothing has taken effect though events wait."""
    if lag.seconds is None:
        return 0.0
    if lag.committed_at is None:
        return lag.seconds
    return min(lag.seconds, (datetime.now(UTC) - lag.committed_at).total_seconds())
