"""Make the next while the last is worked on: what comes from the database, or from a file, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")

_MOST = 8
_LOOK_SECONDS = 0.1


@contextmanager
def ahead(source: Generator[T, None, None]) -> Iterator[Iterator[T]]:
    """Give what `source` gives, and raise what it raises, a few ahead. It is closed when the block ends."""
    made: Queue[tuple[T] | BaseException | None] = Queue(_MOST)
    over = threading.Event()

    def put(one: tuple[T] | BaseException | None) -> None:
        while not over.is_set():
            try:
                made.put(one, timeout=_LOOK_SECONDS)
                return
            except Full:
                pass

    def fill() -> None:
        try:
            with closing(source):
                for one in source:
                    put((one,))
                    if over.is_set():
                        return
            put(None)
        except BaseException as error:  # raised where it is waited for
            put(error)

    def take() -> Iterator[T]:
        while (one := made.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one[0]

    filling = threading.Thread(target=fill, name="ahead", daemon=True)
    filling.start()
    try:
        yield take()
    finally:
        over.set()
        filling.join()
