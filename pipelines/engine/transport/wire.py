"""The socket under rstream's client: whole frames read at once, and the frequent ones decoded in one step.

rstream decodes every field of every frame by itself. A Deliver frame is a fixed head and a blob, a PublishConfirm a row
of numbers: `struct` takes each in one call. All other frames go through rstream. A chunk's checksum is verified here;
nothing of a chunk that fails it is ever seen.
"""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Callable

from rstream import schema
from rstream.client import Client
from rstream.connection import CONNECT_TIMEOUT, ConnectionClosed
from rstream.connection import Connection as Socket
from rstream.encoding import decode_frame

_READ_LIMIT = 1024 * 1024
"""Bytes the socket's reader may hold before it stops reading; a frame that is larger is still read."""

_WRITE_LIMIT = 1024 * 1024
"""Bytes that may wait to be sent before `drain` waits."""

_DELIVER, _CONFIRM = b"\x00\x08\x00\x01", b"\x00\x03\x00\x01"
_DELIVER_HEAD = struct.Struct(">BbbHIqQQIIII")
_CONFIRM_HEAD = struct.Struct(">BI")


class Wire(Socket):
    """One socket, plain or TLS; with TLS the certificate must be for the host that was dialled."""

    last_read = 0.0
    """When anything came, by the monotonic clock: a large frame on a slow line is no silence."""

    async def open(self) -> None:
        """Connect. Raises OSError, also for an untrusted certificate."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                self._reader, self._writer = await asyncio.open_connection(
                    self.host, self.port, ssl=self._ssl_context, limit=_READ_LIMIT
                )
        except TimeoutError as error:
            raise ConnectionError(f"no answer within {CONNECT_TIMEOUT} s") from error
        self.last_read = time.monotonic()
        self._writer.transport.set_write_buffer_limits(high=_WRITE_LIMIT)

    async def read_frame(self) -> schema.Frame:
        """Return the next frame. Raises ConnectionClosed, and ValueError for what is no valid frame."""
        data = await self._exactly(int.from_bytes(await self._exactly(4), "big"))
        decode = _FAST.get(data[:4])
        return decode(data) if decode is not None else decode_frame(data)

    async def _exactly(self, size: int) -> bytes:
        assert self._reader is not None
        pieces = []
        while size:
            piece = await self._reader.read(size)
            if not piece:
                raise ConnectionClosed
            self.last_read = time.monotonic()
            pieces.append(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket, unless it is gone; whoever sends much awaits `drain` before."""
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the socket has room again. Ends with an OSError when it is lost meanwhile."""
        assert self._writer is not None
        await self._writer.drain()

    def abort(self) -> None:
        """Drop the socket at once. Idempotent; safe before `open`."""
        if self._writer is not None:
            self._writer.transport.abort()


class WireClient(Client):
    """rstream's client on a `Wire`."""

    wire: Wire | None = None
    unreadable: Exception | None = None
    """What ended the listener; None where the connection was closed."""

    async def start(self) -> None:
        """Connect and begin to listen. Raises OSError."""
        wire = Wire(self.host, self.port, self._ssl_context)
        await wire.open()
        self._conn = self.wire = wire
        self.start_task("listener", self._listen())
        self.add_handler(schema.Heartbeat, self._on_heartbeat)

    async def _listen(self) -> None:
        try:
            await self._listener()
        except Exception as error:
            # rstream raises a task's error in a callback, which puts a traceback into the log and helps nobody.
            self.unreadable = error


def _deliver(data: bytes) -> schema.Frame:
    head = 4 + _DELIVER_HEAD.size
    fields = _DELIVER_HEAD.unpack_from(data, 4)
    chunk_type, crc, length = fields[2], fields[8], fields[9]
    body = data[head:]
    if chunk_type != 0 or length != len(body):
        raise ValueError(f"a chunk of kind {chunk_type} says it has {length} bytes, and has {len(body)}")
    if zlib.crc32(body) != crc:
        raise ValueError(f"the chunk at offset {fields[7]} has a wrong checksum")
    frame = object.__new__(schema.Deliver)  # its own constructor would compute the checksum again
    frame.__dict__ = dict(zip(_DELIVER_FIELDS, (*fields, body), strict=True))
    return frame


def _confirm(data: bytes) -> schema.Frame:
    publisher_id, count = _CONFIRM_HEAD.unpack_from(data, 4)
    return schema.PublishConfirm(publisher_id, list(struct.unpack_from(f">{count}Q", data, 4 + _CONFIRM_HEAD.size)))


_DELIVER_FIELDS = [name for name, _, _ in schema.Deliver.flds_meta]
_FAST: dict[bytes, Callable[[bytes], schema.Frame]] = {_DELIVER: _deliver, _CONFIRM: _confirm}
