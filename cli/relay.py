"""A relay's process: relays and reports until told to stop, and says how it fares."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from cli.stopping import on_signals
from pipelines.edges.outbox.installation import installed_source
from pipelines.edges.outbox.relay import Relay
from pipelines.edges.outbox.reporting import Reporting
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import CONNECTION_LOST
from pipelines.engine.telemetry.serving import serving
from schemas.errors import StoreBehind

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


async def run_relay(settings: Settings, dsn: str, metrics_port: int | None) -> None:
    """Relay until SIGTERM or SIGINT; a further SIGINT ends the process. `metrics_port` None: no HTTP server.

    Raises:
        StoreBehind: the database has no outbox.
        PublishRefused: a row can never be published.
    """
    stop = asyncio.Event()
    on_signals(stop.set)
    relay, reporting = Relay(settings, dsn), Reporting(settings, dsn)
    async with AsyncExitStack() as stack:
        if metrics_port is not None:
            port = await stack.enter_async_context(
                serving(metrics_port, lambda: [relay.trouble] if relay.trouble else [])
            )
            log.info("http://127.0.0.1:%d has /metrics, /healthz and /readyz", port)
        tasks = [asyncio.create_task(work) for work in (_relay(relay, reporting, dsn), stop.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    log.info("stopped")


async def _relay(relay: Relay, reporting: Reporting, dsn: str) -> None:
    await _until_installed(relay, dsn)
    reports = asyncio.create_task(reporting.run())
    try:
        await relay.run()
    finally:
        reports.cancel()


async def _until_installed(relay: Relay, dsn: str) -> None:
    """Wait for the database. Raises StoreBehind where it has no outbox."""
    while True:
        try:
            if await installed_source(dsn) is None:
                raise StoreBehind("this database has no outbox; run `warren outbox install`")
            return
        except CONNECTION_LOST as error:
            relay.wait_for(error)
        await asyncio.sleep(_LOOK_SECONDS)
