"""Run a real pipeline in a test, and wait until it has applied what was published."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipelines.engine.stores.postgres import DATABASE_ERRORS
from pipelines.engine.transport import end_offset
from pipelines.flows.application import Running, build
from pipelines.flows.declared import flow_named
from schemas.streams import partition_name
from tests.support.runs import Run
from tests.support.waiting import until


@asynccontextmanager
async def running_pipeline(run: Run, name: str = "views@1") -> AsyncIterator[Running]:
    """Run the pipeline inside this process for as long as the block lasts."""
    running = await build(flow_named(name), run.settings)
    await running.app.start()
    try:
        yield running
    finally:
        await running.app.stop()


async def caught_up(run: Run, *, seconds: float = 60.0) -> None:
    """Wait until everything that is in the stream now has been committed."""
    settings = run.settings
    ends = {
        partition: await end_offset(settings.stream_url, partition_name(settings.super_stream, partition))
        for partition in range(settings.partitions)
    }
    connection = await run.connect()

    async def reached() -> bool:
        with contextlib.suppress(*DATABASE_ERRORS):
            rows = await connection.fetch("SELECT partition, next_offset FROM checkpoint")
            at = {row["partition"]: row["next_offset"] for row in rows}
            return all(at.get(partition, 0) >= end for partition, end in ends.items())
        return False

    try:
        await until(reached, f"the checkpoints to reach {ends}", seconds=seconds)
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(connection.close(), 2)
