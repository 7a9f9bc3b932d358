"""`warren run` that sends itself a signal at one step of a batch: STEP TIMES SIGNAL FILE, then the command's arguments.

When it comes to STEP for the so manyth time, it writes the pid of the batch's database backend into FILE (nothing
where no batch is open), and sends itself SIGNAL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from cli.main import main
from pipelines.engine.instance import owner
from pipelines.engine.instance.showing import Showing
from pipelines.engine.stores import binary_copy, checkpoints, ledger
from pipelines.engine.transport.connection import Connection
from tests.faults.entries.impatient import be_impatient

Reached = Callable[[Any], None]


def entry(step: str, times: int, number: signal.Signals, told: Path) -> tuple[str, ...]:
    """Return the entry of a `Processor`."""
    return ("tests.faults.entries.stopping_at", step, str(times), number.name, str(told))


def _claim(reached: Reached) -> None:
    original = asyncpg.Connection.fetchrow

    async def fetchrow(self: asyncpg.Connection, query: str, *rest: Any, **options: Any) -> Any:
        row = await original(self, query, *rest, **options)
        if query == checkpoints._CLAIM:
            reached(self)
        return row

    asyncpg.Connection.fetchrow = fetchrow


def _look_up(reached: Reached) -> None:
    original = ledger.order_numbers

    async def order_numbers(connection: Any, *rest: Any) -> Any:
        reached(connection)
        return await original(connection, *rest)

    ledger.order_numbers = order_numbers


def _copy(reached: Reached) -> None:
    stream = binary_copy._stream

    async def copy_rows(connection: Any, table: str, columns: Sequence[str], rows: Sequence[bytes]) -> None:
        async def stopping() -> AsyncIterator[bytes]:
            async for place, piece in _numbered(stream(rows)):
                if place == 2:  # the header and the first rows are on their way
                    reached(connection)
                yield piece

        if rows:
            await connection.copy_to_table(table, source=stopping(), columns=columns, format="binary")

    ledger.copy_rows = copy_rows


async def _numbered(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    place = 0
    async for piece in pieces:
        yield place, piece
        place += 1


def _commit(reached: Reached) -> None:
    original = owner.decide

    async def decide(connection: Any, *rest: Any) -> Any:
        outcome = await original(connection, *rest)
        reached(connection)
        return outcome

    owner.decide = decide


def _redis(reached: Reached) -> None:
    original = Showing.show

    async def show(self: Showing, *rest: Any) -> None:
        reached(None)
        await original(self, *rest)

    Showing.show = show  # type: ignore[method-assign]


def _credit(reached: Reached) -> None:
    original = Connection.credit

    def credit(self: Connection, *rest: Any) -> None:
        reached(None)
        original(self, *rest)

    Connection.credit = credit  # type: ignore[method-assign]


STEPS: dict[str, Callable[[Reached], None]] = {
    "claim": _claim,
    "look-up": _look_up,
    "copy": _copy,
    "commit": _commit,
    "redis": _redis,
    "credit": _credit,
}
"""Within a claim; then as a batch goes: before its look-up, in COPY, before commit, before Redis, before credit."""


def _stop_at(step: str, times: int, number: signal.Signals, told: Path) -> None:
    left = times

    def reached(connection: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            told.write_text(str(connection.get_server_pid()) if connection is not None else "")
            os.kill(os.getpid(), number)

    STEPS[step](reached)


if __name__ == "__main__":
    chosen, count, name, file, *rest = sys.argv[1:]
    sys.argv[1:] = rest
    be_impatient()
    _stop_at(chosen, int(count), signal.Signals[name], Path(file))
    main()
