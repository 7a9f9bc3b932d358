"""How every command speaks: results on stdout, everything else on stderr, errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, NoReturn

import asyncpg
import orjson
import typer
from redis.exceptions import RedisError
from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

from cli.exit_codes import FAILED, MEANINGS, UNAVAILABLE, USAGE
from cli.localservers.errors import ServicesError
from cli.server_errors import cache_trouble, database_trouble, worded
from pipelines.edges.archive.errors import ArchiveError
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import (
    PartitionMismatch,
    SettingsError,
    StoreBehind,
    StoreForbidden,
    StoreUnavailable,
    StreamUnavailable,
    Unconfirmed,
    WarrenError,
)

_NEVER = 1_000_000
"""Longer than any line."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for programs.")]


class _Unbroken(Console):
    """Breaks lines for a terminal only: who reads a pipe wants each row on one line."""

    @property
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(_NEVER, _NEVER)

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        self._width, self._height = new


class _Results(_Unbroken):
    def on_broken_pipe(self) -> NoReturn:
        """End quietly: whoever read, `head` say, has what it wanted."""
        with suppress(SystemExit):
            super().on_broken_pipe()
        raise typer.Exit(0)


out = _Results(highlight=False, emoji=False)
"""Results for people."""

err = _Unbroken(stderr=True, highlight=False, emoji=False)
"""Progress and remarks."""

_SCHEMA_BEHIND = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)


def epilog(
    *examples: str, done: str = "done", failed: str = "failed, one line on stderr says why", away: bool = True
) -> str:
    """Return the end of a command's help: examples, and what each exit code means.

    `away` is False for a command to which no server can be away.
    """
    shown = "\n\n".join(f"Example: {example}" for example in examples)
    said = {0: done, FAILED: failed, USAGE: MEANINGS[USAGE]} | ({UNAVAILABLE: MEANINGS[UNAVAILABLE]} if away else {})
    codes = [f"{code} {meaning}" for code, meaning in said.items()]
    return f"{shown}\n\nExit codes: {', '.join(codes)}."


def write_json(value: Any) -> None:
    """Print one JSON value on a line of its own."""
    try:
        sys.stdout.write(json_text(value) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        out.on_broken_pipe()


def json_text(value: Any) -> str:
    """Return the value as JSON on one line; times end in Z."""
    return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode()


def table(title: str, *columns: str) -> Table:
    """Return an empty table; cells are made with `cell`, so that no text from outside is taken for markup."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def cell(value: object, style: str = "") -> Text:
    """Return anything as text that is safe to show: control characters as escapes, nothing as a dash."""
    return Text("-" if value is None or value == "" else printable(str(value)), style=style)


def printable(text: str) -> str:
    """Return `text` with all that could move a cursor or turn the writing direction written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what is raised on purpose, and servers that are away, into one line on stderr and an exit code."""
    try:
        yield
    except (SettingsError, PartitionMismatch) as error:
        fail(worded(error), USAGE)
    except (StreamUnavailable, StoreUnavailable, StoreForbidden, Unconfirmed) as error:
        fail(worded(error), UNAVAILABLE)
    except WarrenError as error:
        if isinstance(error.__cause__, DATABASE_ERRORS) and not isinstance(error, StoreBehind | ArchiveError):
            fail(database_trouble(error.__cause__), UNAVAILABLE)
        fail(worded(error))
    except ServicesError as error:
        fail(str(error))
    except RedisError as error:
        fail(cache_trouble(error), UNAVAILABLE)
    except _SCHEMA_BEHIND as error:
        fail(f"the database lacks what this release needs ({error}); run `warren migrate`")
    except DATABASE_ERRORS as error:
        if isinstance(error, OSError) and error.filename is not None:  # a file; those of sockets name none
            fail(f"{error.filename}: {error.strerror}")
        fail(database_trouble(error), UNAVAILABLE)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say why in one line and end the command."""
    sys.stderr.write(f"warren: {' '.join(message.split())}\n")
    raise typer.Exit(code)
