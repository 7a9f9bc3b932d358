"""The live pipeline: does somebody take the events, and how far is it behind."""

from __future__ import annotations

from cli.checkup.findings import Finding, fault, fault_said, ok, warning
from cli.database import live_views
from cli.server_errors import worded
from cli.standing import lags
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import WarrenError


async def examine_pipeline(settings: Settings) -> Finding:
    """Return what is found of the live pipeline."""
    try:
        async with live_views(settings) as live:
            found = await lags(settings, live)
    except (WarrenError, *DATABASE_ERRORS) as error:
        return fault_said("pipeline", worded(error), "see the lines above, then ask again")
    check, start = f"pipeline {live.instance}", f"run `warren run {live.instance}`"
    owned = sum(lag.owned for lag in found)
    facts = f"{owned} of {len(found)} partitions have an owner"
    untaken = sum(lag.events for lag in found if not lag.owned)
    if untaken:
        return fault(check, f"{facts}; {untaken} events wait in the others", start)
    if owned < len(found):
        return warning(check, facts, start)
    return ok(check, f"{facts}, {sum(lag.events for lag in found)} events wait")
