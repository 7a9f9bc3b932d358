"""Runs the board under uvicorn, by itself or inside another program."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dashboards.operator.app import create_app
from dashboards.operator.events import STREAM
from pipelines.engine.settings import Settings
from schemas.errors import SettingsError

GRACE_SECONDS = 3
"""How long a stop waits for answers under way; open pages are let go at once."""

FRAMES_BYTES = 32 * 1024
"""What the kernel keeps of an event stream for a reader that does not read. Left to itself it would take megabytes of
old frames."""

ANSWER_BYTES = 1024 * 1024
"""What the kernel takes of any other answer at once, as far as the system lets it (`net.core.wmem_max`). What it has
taken arrives even where this process is killed; a proxy could not ask another for the rest of a page."""


class _Connection(H11Protocol):
    """Has the kernel keep so much as suits what is asked for; one connection may serve pages and streams in turn."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the app for this connection."""
        super().connection_made(transport)
        app, connection = self.app, transport.get_extra_info("socket")

        async def sized(scope: Any, receive: Any, send: Any) -> None:
            size = FRAMES_BYTES if scope["path"] == STREAM else ANSWER_BYTES
            if not transport.is_closing():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            await app(scope, receive, send)

        self.app = sized


class _Server(uvicorn.Server):
    """Lets the event streams end before it waits for connections to close: they never would by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.desk.live.close()  # type: ignore[union-attr]
        await super().shutdown(sockets)


class _Guest(_Server):
    """Leaves signals to the program around it, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def serve(settings: Settings) -> None:
    """Serve the board until SIGINT or SIGTERM, printing its address.

    Raises:
        SettingsError: the address cannot be had.
    """
    listening = _listen(settings)
    server = _Server(_config(settings))
    gc.freeze()  # what exists by now stays: looking for cycles in it holds all pages up for a tenth of a second
    print(f"board: {_address(listening)}", flush=True)  # noqa: T201 - a command's output
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))  # uvicorn raises the interrupt anew after a clean stop


@asynccontextmanager
async def running_board(settings: Settings) -> AsyncIterator[str]:
    """Serve the board in this event loop; the value is its address, such as `http://127.0.0.1:8080`.

    Raises:
        SettingsError: the address cannot be had.
    """
    listening = _listen(settings)
    server = _Guest(_config(settings))
    task = asyncio.create_task(server.serve([listening]))
    try:
        await server.up.wait()
        yield _address(listening)
    finally:
        server.should_exit = True
        await task


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings),
        http=_Connection,
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=settings.board_proxies is not None,
        forwarded_allow_ips=settings.board_proxies or "",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.board_host, settings.board_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise SettingsError(
            f"the board cannot listen on {host} port {port}: {why}; set WARREN_BOARD_PORT (0: any free one)"
        ) from error


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
