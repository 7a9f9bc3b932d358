"""Lines of a file or of standard input, as they come, without holding up the event loop.

A blocking read in the loop would silence the heartbeats of every connection while a pipe is idle.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress

_READ_BYTES = 256 * 1024


async def lines_of(file: str, limit: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield the number of the first line (from 1) and the lines there are, at most `limit`; `-` is standard input.

    What a pipe has brought is yielded without waiting for more. Lines come without their line feed.

    Raises:
        OSError: the file cannot be read.
    """
    number, rest = 1, b""
    async for data in _reads(file):
        *lines, rest = (rest + data).split(b"\n")
        for start in range(0, len(lines), limit):
            yield number, lines[start : start + limit]
            number += len(lines[start : start + limit])
    if rest:
        yield number, [rest]


async def _reads(file: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    got: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=2)

    def hand_over(data: bytes | OSError) -> None:
        asyncio.run_coroutine_threadsafe(got.put(data), loop).result()

    def read() -> None:
        try:
            with _opened(file) as descriptor:
                while data := os.read(descriptor, _READ_BYTES):
                    hand_over(data)
            hand_over(b"")
        except OSError as error:
            hand_over(error)

    def read_quietly() -> None:
        # The command may have ended meanwhile, and its loop with it.
        with suppress(RuntimeError, CancelledError):
            read()

    # A daemon, and not Python's own buffered reader: an interrupted command must not wait for a silent pipe.
    threading.Thread(target=read_quietly, daemon=True).start()
    while True:
        data = await got.get()
        if isinstance(data, OSError):
            data.filename = file
            raise data
        if not data:
            return
        yield data


@contextmanager
def _opened(file: str) -> Iterator[int]:
    if file == "-":
        yield sys.stdin.fileno()
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
