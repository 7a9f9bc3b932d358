"""A process's own small HTTP server: /metrics for Prometheus, /healthz (the process is alive), /readyz (it works).

It runs in the process's event loop, so an answer also says that the loop is not stuck.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.errors import SettingsError

HOST = "127.0.0.1"

_REQUEST_SECONDS = 5.0
_JSON = "application/json"

Answer = tuple[HTTPStatus, str, bytes]


@asynccontextmanager
async def serving(port: int, troubles: Callable[[], Sequence[str]]) -> AsyncIterator[int]:
    """Serve on loopback for as long as the block lasts; the value is the port, which `port` 0 leaves to the system.

    `troubles` says why the process is not ready, in one line each; nothing means that it is.

    Raises:
        SettingsError: the port cannot be had.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, troubles))
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, HOST, port)
    except OSError as error:
        raise SettingsError(
            f"WARREN_METRICS_PORT: cannot listen on {HOST} port {port}: {error.strerror}; choose another"
        ) from error
    async with server:
        yield server.sockets[0].getsockname()[1]


def _response(head: bytes, troubles: Callable[[], Sequence[str]]) -> bytes:
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    status, kind, body = _answer(method, path, troubles)
    lines = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{lines}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + (b"" if method == "HEAD" else body)


def _answer(method: str, path: str, troubles: Callable[[], Sequence[str]]) -> Answer:
    if method not in ("GET", "HEAD"):
        return HTTPStatus.METHOD_NOT_ALLOWED, _JSON, b"{}"
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/healthz":
        return HTTPStatus.OK, _JSON, b'{"alive":true}'
    if path == "/readyz":
        reasons = list(troubles())
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return status, _JSON, orjson.dumps({"ready": not reasons, "reasons": reasons})
    return HTTPStatus.NOT_FOUND, _JSON, b'{"paths":["/metrics","/healthz","/readyz"]}'
