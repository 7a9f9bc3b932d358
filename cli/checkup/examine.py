"""Everything there is to look at, part by part."""

from __future__ import annotations

from collections.abc import AsyncIterator

from cli.checkup.broker import examine_broker
from cli.checkup.cache import examine_cache
from cli.checkup.database import examine_database
from cli.checkup.findings import Finding, Result
from cli.checkup.pipeline import examine_pipeline
from pipelines.engine.settings import Settings


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield every finding. Whatever is away is a finding, never an exception.

    The pipeline is looked at only where broker and database have no fault.
    """
    sound = True
    for part in (examine_broker, examine_database):
        async for finding in part(settings):
            sound = sound and finding.result is not Result.FAULT
            yield finding
    yield await examine_cache(settings)
    if sound:
        yield await examine_pipeline(settings)
