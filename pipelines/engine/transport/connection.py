"""One connection to a broker that knows when it is dead.

rstream's client gives the framing and the requests. What it leaves open is closed here: a listener task that ends,
for whatever reason, a broker that has gone silent, or a stream that became unavailable closes the connection and
wakes everyone who waits on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import rstream.connection
from rstream import exceptions, schema
from rstream.client import Client

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.frames import StreamStats, StreamStatsResponse
from schemas.errors import StreamMissing, StreamUnavailable

# rstream reads 256 bytes at a time; a chunk is up to a megabyte.
rstream.connection.CHUNK_SIZE = 64 * 1024
# What it logs of a lost connection is reported here instead, once and with what follows from it.
logging.getLogger("rstream").setLevel(logging.CRITICAL)

HEARTBEAT_SECONDS = 10
"""Asked of the broker; the lower of the two wishes holds."""

SILENCE_FACTOR = 2.5
"""A broker silent for so many heartbeats is taken for dead."""

_FRAME_MAX = 1024 * 1024

R = TypeVar("R")


class Connection:
    """A connection, from `open` until `close` or until `closed` is done. Not shared between event loops."""

    def __init__(self, client: Client, address: Address) -> None:
        self._client = client
        self._address = address
        self._closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watchdog: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, address: Address, name: str) -> Connection:
        """Connect and sign in; `name` is shown in the broker's management.

        Raises:
            StreamUnavailable: nobody there, or access refused.
        """
        client = Client(
            address.host,
            address.port,
            frame_max=_FRAME_MAX,
            heartbeat=HEARTBEAT_SECONDS,
            connection_name=name,
            connection_closed_handler=lambda _: None,
        )
        self = cls(client, address)
        try:
            await client.start()
            client._tasks["listener"].add_done_callback(self._listener_done)
            await self._guard(client.authenticate(address.vhost, address.user, address.password))
        except BaseException as error:
            await self.close()
            if isinstance(error, OSError | TimeoutError | exceptions.ServerError | AssertionError):
                raise StreamUnavailable(_not_let_in(address, error)) from error
            raise
        client.add_handler(schema.MetadataUpdate, self._on_metadata_update, name="warren")
        self._watchdog = asyncio.create_task(self._watch(), name=f"watchdog {name}")
        return self

    @property
    def is_open(self) -> bool:
        """False from the moment the connection is known to be dead."""
        return not self._closed.done()

    @property
    def node(self) -> tuple[str, int]:
        """The node at the other end, as it advertises itself; a proxy in between does not change it."""
        properties = self._client.server_properties or {}
        return properties.get("advertised_host", self._address.host), int(
            properties.get("advertised_port", self._address.port)
        )

    @property
    def frame_max(self) -> int:
        """The largest frame, in bytes, the broker accepts."""
        return self._client.frame_max

    def on(self, frame: type[Any], handler: Callable[[Any], None]) -> None:
        """Call `handler` with each such frame, from the listener task. It must not raise and must not wait."""
        self._client.add_handler(frame, handler, name="warren")

    def deliveries(self, subscription_id: int) -> asyncio.Queue[Any]:
        """Return the queue of Deliver frames; its length is bounded by the credit given.

        One subscription a connection: rstream queues every Deliver frame for every subscriber.
        """
        self._client.add_handler(schema.Deliver, lambda _: None, name=str(subscription_id))
        return self._client._frames[subscription_id]

    async def request(self, call: Callable[[Client], Coroutine[Any, Any, R]]) -> R:
        """Await a request on the client.

        Raises:
            StreamMissing, StreamUnavailable: the broker said no, did not answer in time, or the connection died.
        """
        try:
            return await self._guard(call(self._client))
        except exceptions.StreamDoesNotExist as error:
            raise StreamMissing(str(error) or "?") from error
        except (exceptions.ServerError, exceptions.LeaderNotAvailable, TimeoutError, OSError) as error:
            raise StreamUnavailable(f"{self._address}: {str(error) or type(error).__name__}") from error

    async def send(self, frame: bytes) -> None:
        """Write a ready frame, waiting while the socket's buffer is full. Raises StreamUnavailable."""
        connection = self._client._conn
        if connection is None or not self.is_open:
            raise StreamUnavailable(f"{self._address}: {await self.wait_closed()}")
        try:
            await self._guard(connection._write_frame_raw(frame))
        except OSError as error:
            self._die(f"lost: {error}")
            raise StreamUnavailable(f"{self._address}: lost: {error}") from error

    async def stats(self, stream: str) -> dict[str, int]:
        """Return the broker's figures for a stream, such as `first_chunk_id` (-1: the stream is empty)."""

        async def ask(client: Client) -> StreamStatsResponse:
            answer: StreamStatsResponse = await client.sync_request(
                StreamStats(client._corr_id_seq.next(), stream=stream), resp_schema=StreamStatsResponse
            )
            return answer

        return {str(name): int(value) for name, value in (await self.request(ask)).stats}

    async def wait_closed(self) -> str:
        """Wait until the connection is dead and return why."""
        return await asyncio.shield(self._closed)

    async def or_closed(self, awaitable: Awaitable[R]) -> R:
        """Await something, but no longer than the connection lives. Raises StreamUnavailable."""
        return await self._guard(awaitable)

    async def close(self) -> None:
        """Say goodbye if anyone listens, and free the socket. Safe to call twice, and before the connection is up."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        client = self._client
        if self.is_open and client._conn is not None and client.is_started:
            goodbye = schema.Close(client._corr_id_seq.next(), code=1, reason="OK")
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await self._guard(client.sync_request(goodbye, resp_schema=schema.CloseResponse))
        self._die("closed")
        for name in list(client._tasks):
            with contextlib.suppress(Exception):
                await client.stop_task(name)

    async def _guard(self, awaitable: Awaitable[R]) -> R:
        task: asyncio.Future[R] = asyncio.ensure_future(awaitable)
        try:
            either: set[asyncio.Future[Any]] = {task, self._closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise StreamUnavailable(f"{self._address}: {self._closed.result()}")
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _watch(self) -> None:
        limit = self._client._heartbeat * SILENCE_FACTOR
        while limit:
            silent = time.monotonic() - self._client._last_heartbeat
            if silent > limit:
                self._die(f"the broker was silent for {silent:.0f} s")
                return
            await asyncio.sleep(max(0.1, limit - silent))

    def _listener_done(self, task: asyncio.Task[None]) -> None:
        # An undecodable frame ends rstream's listener while it still calls the connection alive.
        error = None if task.cancelled() else task.exception()
        self._die(f"unreadable frame: {error.__cause__ or error}" if error else "the broker closed the connection")

    def _on_metadata_update(self, frame: schema.MetadataUpdate) -> None:
        self._die(f"stream {frame.metadata_info.stream} became unavailable")

    def _die(self, why: str) -> None:
        if not self._closed.done():
            self._closed.set_result(why)
        self._client._is_not_closed = False
        connection = self._client._conn
        if connection is not None and connection._writer is not None:
            connection._writer.transport.abort()


def _not_let_in(address: Address, error: BaseException) -> str:
    why = str(error) or type(error).__name__
    if not isinstance(error, exceptions.ServerError):
        return f"no broker at {address}: {why}; run `warren services up`, or mend WARREN_STREAM_URL"
    if isinstance(error, exceptions.AuthenticationFailure):
        why = f"user {address.user!r} with this password"
    elif isinstance(error, exceptions.VirtualHostAccessFailure):
        why = f"there is no such virtual host for user {address.user!r}"
    return f"the broker at {address} refused: {why}; mend WARREN_STREAM_URL, or what it names"
