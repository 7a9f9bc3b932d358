"""One connection to a broker that knows when it is dead.

rstream's client gives the framing and the requests. What it leaves open is closed here: a listener task that ends,
for whatever reason, a broker that has gone silent, or a stream that became unavailable closes the connection and
wakes everyone who waits on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from rstream import exceptions, schema
from rstream.client import Client
from rstream.encoding import encode_frame

from pipelines.engine.transport.address import Address
from pipelines.engine.transport.frames import StreamStats, StreamStatsResponse
from pipelines.engine.transport.refusals import refusal
from pipelines.engine.transport.wire import WireClient
from schemas.errors import BrokerRefused, StreamMissing, StreamUnavailable, said

# What it logs of a lost connection is reported here instead, once and with what follows from it.
logging.getLogger("rstream").setLevel(logging.CRITICAL)

HEARTBEAT_SECONDS = 10
"""Asked of the broker; the lower of the two wishes holds."""

SILENCE_FACTOR = 2.5
"""A broker silent for so many heartbeats is taken for dead."""

FRAME_MAX = 1024 * 1024
"""Bytes of the largest frame, asked of the broker; its own default, too."""

R = TypeVar("R")


class Connection:
    """A connection, from `open` until `close` or until `closed` is done. Not shared between event loops."""

    def __init__(self, client: WireClient, address: Address) -> None:
        self._client = client
        self._address = address
        self._closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watchdog: asyncio.Task[None] | None = None
        self._deliveries: list[asyncio.Queue[Any]] = []

    @classmethod
    async def open(cls, address: Address, name: str, *, heartbeat: int | None = None) -> Connection:
        """Connect to one of the address's nodes, tried in random order, and sign in; management shows `name`.

        `heartbeat`: in seconds, in place of `HEARTBEAT_SECONDS`.

        Raises:
            StreamUnavailable: nobody there, not trusted, or access refused; says so of each node.
            SettingsError: the authorities to trust cannot be read.
        """
        failures: list[StreamUnavailable] = []
        for host, port in random.sample(address.nodes, len(address.nodes)):
            try:
                return await cls._open(address.at(host, port), name, heartbeat or HEARTBEAT_SECONDS)
            except StreamUnavailable as error:
                failures.append(error)
        # A node that refuses says more than those that are away.
        telling = next((failure for failure in failures if isinstance(failure, BrokerRefused)), failures[-1])
        raise type(telling)("; ".join(map(str, failures))) from telling

    @classmethod
    async def _open(cls, address: Address, name: str, heartbeat: int) -> Connection:
        client = WireClient(
            address.host,
            address.port,
            ssl_context=address.ssl_context(),
            frame_max=FRAME_MAX,
            heartbeat=heartbeat,
            connection_name=name,
            connection_closed_handler=lambda _: None,
        )
        self = cls(client, address)
        try:
            await client.start()
            client._tasks["listener"].add_done_callback(self._listener_done)
            self.on(schema.Close, self._on_close)
            await self._guard(client.authenticate(address.vhost, address.user, address.password))
        except BaseException as error:
            await self.close()
            if refused := refusal(address, error):
                raise refused from error
            raise
        self.on(schema.MetadataUpdate, self._on_metadata_update)
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

    def on_closed(self, handler: Callable[[str], None]) -> None:
        """Call `handler` with the reason, once, soon after the connection is known to be dead."""
        self._closed.add_done_callback(lambda closed: handler(closed.result()))

    def deliver(self, subscription_id: int, queue: asyncio.Queue[schema.Deliver | None]) -> None:
        """Put Deliver frames into an unbounded queue. None comes last, when the connection is dead.

        One subscription a connection: rstream queues every Deliver frame for every subscriber.
        """
        self._client.add_handler(schema.Deliver, lambda _: None, name=str(subscription_id))
        self._client._frames[subscription_id] = queue
        self._deliveries.append(queue)
        if not self.is_open:
            queue.put_nowait(None)

    def credit(self, subscription_id: int, chunks: int) -> None:
        """Let the broker send so many more chunks. Does not wait, and does nothing on a dead connection."""
        if self._client.wire is not None:
            self._client.wire.write(encode_frame(schema.Credit(subscription_id, chunks)))

    async def request(self, call: Callable[[Client], Coroutine[Any, Any, R]], *, stream: str = "?") -> R:
        """Await a request on the client; `stream` is the one it is about.

        Raises:
            StreamMissing, StreamUnavailable: the broker said no, did not answer in time, or the connection died.
        """
        try:
            return await self._guard(call(self._client))
        except exceptions.StreamDoesNotExist as error:
            raise StreamMissing(stream) from error
        except (exceptions.ServerError, exceptions.LeaderNotAvailable, TimeoutError, OSError) as error:
            raise StreamUnavailable(f"{self._address}: {said(error)}") from error

    async def send(self, frame: bytes) -> None:
        """Write a ready frame, all of it or nothing, as soon as the socket has room. Raises StreamUnavailable."""
        wire = self._client.wire
        assert wire is not None
        try:
            await wire.drain()
        except OSError as error:
            self._die(f"lost: {said(error)}")
        if not self.is_open:
            raise StreamUnavailable(f"{self._address}: {self._closed.result()}")
        wire.write(frame)

    async def stats(self, stream: str) -> dict[str, int]:
        """Return the broker's figures for a stream, such as `first_chunk_id` (-1: the stream is empty)."""

        async def ask(client: Client) -> StreamStatsResponse:
            answer: StreamStatsResponse = await client.sync_request(
                StreamStats(client._corr_id_seq.next(), stream=stream), resp_schema=StreamStatsResponse
            )
            return answer

        return {str(name): int(value) for name, value in (await self.request(ask, stream=stream)).stats}

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
        try:
            if self.is_open and client.is_started:
                goodbye = schema.Close(client._corr_id_seq.next(), code=1, reason="OK")
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(2):
                        await self._guard(client.sync_request(goodbye, resp_schema=schema.CloseResponse))
        finally:
            self._die("closed")
            # Not rstream's `stop_task`, which swallows a cancellation of whoever closes.
            tasks, client._tasks = list(client._tasks.values()), {}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

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
                await asyncio.wait({task})
                if not task.cancelled():
                    task.exception()  # seen: nobody asks for it any more

    async def _watch(self) -> None:
        limit, wire = self._client._heartbeat * SILENCE_FACTOR, self._client.wire
        while limit and wire is not None:
            silent = time.monotonic() - wire.last_read
            if silent > limit:
                self._die(f"the broker was silent for {silent:.0f} s")
                return
            await asyncio.sleep(max(0.1, limit - silent))

    def _listener_done(self, _: asyncio.Task[None]) -> None:
        # An undecodable frame ends rstream's listener while it still calls the connection alive.
        error = self._client.unreadable
        self._die(
            f"unreadable frame: {said(error.__cause__ or error)}" if error else "the broker closed the connection"
        )

    def _on_close(self, frame: schema.Close) -> None:
        self._die(f"the broker closed the connection: {frame.reason}")

    def _on_metadata_update(self, frame: schema.MetadataUpdate) -> None:
        self._die(f"stream {frame.metadata_info.stream} became unavailable")

    def _die(self, why: str) -> None:
        if self._closed.done():
            return
        self._closed.set_result(why)
        self._client._is_not_closed = False
        for queue in self._deliveries:
            queue.put_nowait(None)
        if self._client.wire is not None:
            self._client.wire.abort()
