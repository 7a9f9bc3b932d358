"""The relay: publishes an outbox's committed events, each order's in commit order, and stands by while another does.

Owning the outbox is holding an advisory lock, on the connection over which batches are noted: who loses the connection
can note nothing more. What a former owner still sends was noted before, so it carries the ids under which the new owner
sends it, too, and the broker keeps one of the two.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from pipelines.edges.outbox import SCHEMA
from pipelines.edges.outbox.assignment import Assignment, Batch
from pipelines.edges.outbox.claim import Claim, claimed
from pipelines.edges.outbox.metrics import BATCHES, CONFIRMED, OWNED
from pipelines.edges.outbox.owning import owned
from pipelines.edges.outbox.waking import Waking
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import BY_KEY, DATABASE_ERRORS, connect
from pipelines.engine.transport import Message, NamedPublisher, SuperStreamPublisher
from schemas.errors import PublishRefused, StreamError, Unconfirmed, told

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

_BEAT_SECONDS = 1.0
"""So often, at least, the owner speaks to the database, so that others know it is not frozen."""

_CONFIRM_SECONDS = 30.0

_SETTINGS = {**BY_KEY, "synchronous_commit": "on"}
"""What is noted, and the rows it was noted of, must survive a crash of the database before it is sent."""


class Relay:
    """Relays the outbox in database `dsn`. Several may run: one works, the others stand by."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._settings = settings
        self._dsn = dsn
        self._pause = _FIRST_PAUSE
        self.trouble: str | None = "starting"
        """Why nothing is published by this relay or another; None while one of them can."""

    async def run(self) -> None:
        """Relay until cancelled. Servers that are away are waited for.

        Raises:
            SettingsError: the DSN is not one.
            PublishRefused: a row can never be published; somebody wrote it without the helper function.
        """
        while True:
            try:
                await self._session()
            except (*DATABASE_ERRORS, StreamError) as error:
                if isinstance(error, PublishRefused):
                    raise
                self.wait_for(error)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def wait_for(self, error: BaseException) -> None:
        """Note what is waited for, and say it once: the stream, or the service's database and where that is."""
        trouble = told(error)
        if not isinstance(error, StreamError):
            place = urlsplit(self._dsn)
            trouble = f"the service's database ({place.hostname or 'here'}{place.path}): {trouble}"
        if self.trouble != trouble:
            log.warning("waiting for %s", trouble)
        self.trouble = trouble

    async def _session(self) -> None:
        """Own the outbox and publish over one connection, until that is lost."""
        connection = await connect(self._dsn, SCHEMA, application="warren outbox relay", planning=_SETTINGS)
        try:
            self.trouble = None
            async with owned(connection), claimed(connection, self._settings) as claim:
                log.info("outbox of %s: relaying", claim.source)
                OWNED.labels(claim.source).set(1)
                try:
                    await self._work(connection, claim)
                finally:
                    OWNED.labels(claim.source).set(0)
        finally:
            connection.terminate()

    async def _work(self, connection: asyncpg.Connection, claim: Claim) -> None:
        assignment, waking = claim.assignment, Waking(connection)
        await waking.start()
        for batch in assignment.unconfirmed:
            await self._until_confirmed(connection, self._send(batch, claim), assignment, batch)
        coming = await assignment.next()
        while True:
            while coming is not None:
                coming = await self._publish_and_look_ahead(connection, claim, coming)
                await waking.found()
            await assignment.settle()
            await waking.wait()
            coming = await assignment.next()

    async def _publish_and_look_ahead(self, connection: asyncpg.Connection, claim: Claim, batch: Batch) -> Batch | None:
        """Publish a batch and meanwhile note the next one, which is returned."""
        sending = asyncio.create_task(self._send(batch, claim))
        try:
            following = await claim.assignment.next()
            await self._until_confirmed(connection, sending, claim.assignment, batch)
        finally:
            sending.cancel()
        return following if following is not None else await claim.assignment.next()

    async def _until_confirmed(
        self,
        connection: asyncpg.Connection,
        sending: asyncio.Task[None] | Coroutine[Any, Any, None],
        assignment: Assignment,
        batch: Batch,
    ) -> None:
        task = asyncio.ensure_future(sending)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_BEAT_SECONDS)
                if not task.done():
                    await connection.execute("SELECT")
            task.result()
        finally:
            task.cancel()
        assignment.confirmed(batch)
        self._pause = _FIRST_PAUSE

    async def _send(self, batch: Batch, claim: Claim) -> None:
        """Return when the broker has confirmed the whole batch, however often it takes."""
        messages, pause = batch.messages, _FIRST_PAUSE
        while messages:
            try:
                await _publish(messages, claim.publisher, self._settings)
                messages = []
            except Unconfirmed as failure:
                if self.trouble != failure.why:
                    log.warning("%d events are unconfirmed: %s; sending them again", len(failure.indexes), failure.why)
                self.trouble = failure.why
                messages = [messages[place] for place in failure.indexes]
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        self.trouble = None
        CONFIRMED.labels(claim.source).inc(len(batch.messages))
        BATCHES.labels(claim.source).inc()


async def _publish(messages: list[tuple[int, Message]], publisher: NamedPublisher, settings: Settings) -> None:
    try:
        await publisher.publish(messages, timeout=_CONFIRM_SECONDS)
    except PublishRefused as refused:
        # The broker refused an event and took a later one: under this name it would throw the first away now.
        log.warning("publishing %d events without a name, as readers drop what comes twice: %s", len(messages), refused)
        async with SuperStreamPublisher(settings.stream_url, settings.super_stream, settings.partitions) as unnamed:
            await unnamed.publish([message for _, message in messages], timeout=_CONFIRM_SECONDS)
