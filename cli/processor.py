"""One pipeline in this process: waits for its servers, runs until told to stop, and says how it fares."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from cli.revisions import require_migrated
from cli.server_errors import worded
from cli.stopping import on_signals
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import CONNECTION_LOST, connect
from pipelines.engine.telemetry.serving import serving
from pipelines.flows.application import Running, build
from pipelines.flows.declared import Flow
from schemas.errors import StreamMissing, StreamUnavailable

log = logging.getLogger(__name__)

R = TypeVar("R")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

_COLLECT_SECONDS = 10.0


class Processor:
    """Runs one pipeline instance once."""

    def __init__(self, flow: Flow, settings: Settings) -> None:
        self._flow = flow
        self._settings = settings
        self._waits = "starting"
        self._running: Running | None = None

    async def run(self, metrics_port: int | None) -> None:
        """Run until SIGTERM or SIGINT, then stop cleanly; a further SIGINT ends the process.

        `metrics_port` None: no HTTP server. Servers and streams that are not there yet are waited for, before and
        after the start.

        Raises:
            StoreBehind: the database is not migrated.
            ParkingStorm: what stopped the pipeline.
        """
        async with AsyncExitStack() as stack:
            if metrics_port is not None:
                port = await stack.enter_async_context(serving(metrics_port, self.troubles))
                log.info("%s: http://127.0.0.1:%d has /metrics, /healthz and /readyz", self._flow.name, port)
            running = await self._built()
            if running is None:
                return
            log.info("%s: running", self._flow.name)
            _collect_rarely()

            @running.app.on_startup
            async def take_signals() -> None:  # `run` has put handlers of its own there
                on_signals(running.app.exit)

            await running.app.run()
        log.info("%s: stopped", self._flow.name)
        if running.subscriber.failure is not None:
            raise running.subscriber.failure

    def troubles(self) -> list[str]:
        """Return why events do not take effect right now; empty while they do."""
        if self._running is None:
            return [self._waits]
        subscriber = self._running.subscriber
        reasons = {partition: state.trouble for partition, state in subscriber.partitions.items() if state.trouble}
        reasons |= self._running.instance.troubles()
        found = [f"partition {partition}: {why}" for partition, why in sorted(reasons.items())]
        return found or ([] if subscriber.is_healthy else ["the consumer group is not joined yet"])

    async def _built(self) -> Running | None:
        """Return the application, when its servers are there; None if told to stop before."""
        told_to_stop = asyncio.Event()
        on_signals(told_to_stop.set)
        preparing, stop = asyncio.ensure_future(self._prepare()), asyncio.ensure_future(told_to_stop.wait())
        await asyncio.wait({preparing, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if told_to_stop.is_set():
            preparing.cancel()
            await asyncio.wait({preparing})
            return None
        return preparing.result()

    async def _prepare(self) -> Running:
        await self._patiently("PostgreSQL", CONNECTION_LOST, self._require_tables)
        # A broker that is just starting may not know its streams yet.
        self._running = await self._patiently(
            "RabbitMQ", (StreamUnavailable, StreamMissing), lambda: build(self._flow, self._settings)
        )
        return self._running

    async def _require_tables(self) -> None:
        connection = await connect(self._settings.postgres_dsn, application="warren start")
        try:
            await require_migrated(connection, self._flow)
        finally:
            await connection.close(timeout=2)

    async def _patiently(self, what: str, away: tuple[type[Exception], ...], attempt: Callable[[], Awaitable[R]]) -> R:
        """Attempt it until `what` is there. Each reason to wait is said once."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await attempt()
            except away as error:
                reason = f"waiting for {what}: {worded(error)}"
                if self._waits != reason:
                    log.warning("%s", reason)
                self._waits = reason
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _collect_rarely() -> None:
    """Let reference counts do the work: a batch makes many objects and hardly a cycle, and looking for some halves us.

    What exists by now stays for ever, so it is not looked at again. Errors do leave cycles, so all else is collected
    every few seconds, which takes milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    loop = asyncio.get_running_loop()

    def collect() -> None:
        gc.collect()
        loop.call_later(_COLLECT_SECONDS, collect)

    collect()
