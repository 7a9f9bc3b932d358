"""`warren run` that sends itself a signal at one step of a batch: STEP TIMES SIGNAL FILE, then the command's arguments.

When it comes to STEP for the so manyth time, it writes the pid of the batch's database backend into FILE (nothing
where no batch is open), and sends itself SIGNAL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg.transaction import Transaction

from cli.main import main
from pipelines.engine.instance.showing import Showing
from pipelines.engine.stores import checkpoints, ledger, writes
from pipelines.engine.transport.connection import Connection
from tests.faults.entries.impatient import be_impatient
from tests.faults.entries.piecewise import be_piecewise

Reached = Callable[[Any], None]


def entry(step: str, times: int, number: signal.Signals, told: Path) -> tuple[str, ...]:
    """Return the entry of a `Processor`."""
    return ("tests.faults.entries.stopping_at", step, str(times), number.name, str(told))


def wrap(place: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace a function of a module, or a method of a class, by what `wrapper` makes of it."""
    setattr(place, name, wrapper(getattr(place, name)))


def _claim(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        async def fetchrow(self: asyncpg.Connection, query: str, *rest: Any, **options: Any) -> Any:
            row = await original(self, query, *rest, **options)
            if query == checkpoints._CLAIM:
                reached(self)
            return row

        return fetchrow

    return wrapper


def _before(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        async def call(connection: asyncpg.Connection, *rest: Any) -> Any:
            reached(connection)
            return await original(connection, *rest)

        return call

    return wrapper


def _after(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        async def call(connection: asyncpg.Connection, *rest: Any) -> Any:
            done = await original(connection, *rest)
            reached(connection)
            return done

        return call

    return wrapper


def _commit(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        async def end(self: Transaction, *rest: Any) -> Any:
            if not self._readonly:
                reached(self._connection)
            return await original(self, *rest)

        return end

    return wrapper


def _redis(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        async def show(self: Showing, *rest: Any) -> None:
            reached(None)
            await original(self, *rest)

        return show

    return wrapper


def _credit(reached: Reached) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        def credit(self: Connection, *rest: Any) -> None:
            reached(None)
            original(self, *rest)

        return credit

    return wrapper


STEPS: dict[str, tuple[Any, str, Callable[[Reached], Callable[[Any], Any]]]] = {
    "claim": (asyncpg.Connection, "fetchrow", _claim),
    "look-up": (ledger, "look_up", _before),
    "advance": (checkpoints, "advance", _before),
    "write": (writes, "run", _after),
    "commit": (Transaction, "__aexit__", _commit),
    "redis": (Showing, "show", _redis),
    "credit": (Connection, "credit", _credit),
}
"""Within a claim; then as a batch goes: before its look-up, before it writes, in the middle of writing, before commit,
before Redis, before credit. Only a batch that is written piece by piece can be met in the middle of writing."""


def _stop_at(step: str, times: int, number: signal.Signals, told: Path) -> None:
    left = times

    def reached(connection: asyncpg.Connection | None) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            told.write_text(str(connection.get_server_pid()) if connection is not None else "")
            os.kill(os.getpid(), number)

    place, name, make = STEPS[step]
    wrap(place, name, make(reached))


if __name__ == "__main__":
    chosen, count, signal_name, file, *rest = sys.argv[1:]
    sys.argv[1:] = rest
    be_impatient()
    if chosen in ("write", "commit"):
        be_piecewise()
    _stop_at(chosen, int(count), signal.Signals[signal_name], Path(file))
    main()
