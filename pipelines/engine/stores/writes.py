"""Writes that take effect together: in one statement, which is one round trip and a transaction by itself.

A statement's terms run as one, whatever their order, and see the tables as they were before it. So no two of them may
change the same row, unless the later one is `apart`. What is too large for one statement runs in several, inside a
transaction; a write that has no packed rows is not parted from the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg

STATEMENT_BYTES = 16 * 1024 * 1024
"""About so much goes into one statement, or one write that is larger: a message to PostgreSQL may not exceed 1 GiB."""

_PARAMETER = re.compile(r"\$(\d+)")


class Write(NamedTuple):
    """A query that changes rows, its arguments (`$1` and so on), and the name that a statement knows it by.

    `apart`: it may change what a write before it changes, so it begins a statement of its own.
    """

    name: str
    query: str
    arguments: tuple[Any, ...]
    apart: bool = False

    @property
    def size(self) -> int:
        """The bytes of its arguments that are many: packed rows, or raw ones."""
        many = (rows for rows in self.arguments if isinstance(rows, list) and rows and type(rows[0]) is bytes)
        return sum(sum(map(len, rows)) for rows in many)


def pieces(rows: list[bytes]) -> Iterator[list[bytes]]:
    """Cut rows, in order, into arguments that a statement has room for."""
    first = size = 0
    for place, row in enumerate(rows):
        if size and size + len(row) > STATEMENT_BYTES:
            yield rows[first:place]
            first, size = place, 0
        size += len(row)
    if size:
        yield rows[first:]


async def take_effect(connection: asyncpg.Connection, writes: Sequence[Write], answer: str) -> None:
    """Let all of it take effect, or nothing.

    `answer` is asked together with the first of the writes, and may know it by its name; it refuses by an error.
    Whatever is raised, nothing took effect, unless the connection was lost: then nothing is known.
    """
    first, *others = _statements(writes)
    if not others:
        await run(connection, first, answer)
        return
    async with connection.transaction():
        await run(connection, first, answer)
        for more in others:
            await run(connection, more)


async def run(connection: asyncpg.Connection, writes: Sequence[Write], answer: str = "SELECT") -> None:
    """Run the writes as one statement."""
    text = _joined(tuple((write.name, write.query) for write in writes), answer)
    await connection.execute(text, *(argument for write in writes for argument in write.arguments))


def _statements(writes: Iterable[Write]) -> Iterator[list[Write]]:
    together: list[Write] = []
    size = 0
    for write in writes:
        size += write.size
        if together and (write.apart or (write.size and size > STATEMENT_BYTES)):
            yield together
            together, size = [], write.size
        together.append(write)
    yield together


@lru_cache(maxsize=256)
def _joined(terms: tuple[tuple[str, str], ...], answer: str) -> str:
    parts, taken = [], 0
    for name, query in terms:
        numbers = [int(number) for number in _PARAMETER.findall(query)]
        shifted = _PARAMETER.sub(lambda found: f"${int(found[1]) + taken}", query)  # noqa: B023 - used at once
        parts.append(f"{name} AS (\n{shifted}\n)")
        taken += max(numbers, default=0)
    return f"WITH {', '.join(parts)}\n{answer}"
