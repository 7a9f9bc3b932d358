"""A TCP proxy on loopback that misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes bytes between clients and `host:port`, until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.refusing = False
        self.bytes_per_second: float | None = None
        """How slow the line is, each way; None: not at all."""
        self.connections = 0
        self.cuts: list[int] = []
        """Every connection is cut when so many bytes more have come from clients; then the next number counts."""
        self.spoil: Callable[[bytes], bytes] | None = None
        """Applied to each piece of what the server sends."""
        self.frames: Callable[[bytes], bytes] | None = None
        """Applied to each frame (behind its length) a stream listener sends, on connections made from then on; an
        empty answer swallows it."""

    def cut(self) -> None:
        """Reset every connection at once."""
        for writer in self._writers:
            writer.transport.abort()

    def swallow(self) -> None:
        """Make the connections there are half-open: nothing arrives on them ever again. New ones are good."""
        self._dead |= self._writers

    def freeze(self) -> None:
        """Deliver nothing any more, in either direction, and say nothing: half-open connections."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Go on."""
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one client."""
        if self.refusing:
            writer.transport.abort()
            return
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, there_writer}
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, spoiling=False), self._pump(there_reader, writer, spoiling=True)
            )
        finally:
            self._writers -= {writer, there_writer}
            self._dead -= {writer, there_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, spoiling: bool) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            by_frame = spoiling and self.frames is not None
            while piece := await (self._frame(reader) if by_frame else reader.read(65536)):
                await self._flowing.wait()
                if writer in self._dead:
                    continue
                if not spoiling:
                    self._count(len(piece))
                if self.bytes_per_second:
                    await asyncio.sleep(len(piece) / self.bytes_per_second)
                if spoiling and self.spoil is not None:
                    piece = self.spoil(piece)
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()

    def _count(self, size: int) -> None:
        if self.cuts:
            self.cuts[0] -= size
            if self.cuts[0] <= 0:
                self.cuts.pop(0)
                self.cut()

    async def _frame(self, reader: asyncio.StreamReader) -> bytes:
        """Return the next frame that is not swallowed, with its length."""
        while True:
            frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            if self.frames is not None:
                frame = self.frames(frame)
            if frame:
                return len(frame).to_bytes(4, "big") + frame


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[str, Proxy]]:
    """Give `url` led through a proxy, and the proxy."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = parts.netloc.rpartition("@")[0]
    netloc = f"{login}@127.0.0.1:{port}" if login else f"127.0.0.1:{port}"
    try:
        yield urlunsplit(parts._replace(netloc=netloc)), proxy
    finally:
        server.close()
        proxy.thaw()
        proxy.cut()
