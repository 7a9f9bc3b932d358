"""How every command speaks: results on stdout, everything else on stderr, errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer
from redis.exceptions import RedisError
from rich.console import Console

from cli.localservers.errors import ServicesError
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import SettingsError, WarrenError

FAILED, USAGE, UNAVAILABLE = 1, 2, 3
"""Exit codes beside 0: the command failed or found faults; it was called wrongly; a server is away."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for programs.")]

out = Console()
"""Results for people."""

err = Console(stderr=True)
"""Progress and remarks."""


def write_json(value: Any) -> None:
    """Print one JSON object on a line of its own."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what is raised on purpose, and servers that are away, into one line on stderr and an exit code."""
    try:
        yield
    except SettingsError as error:
        _fail(str(error), USAGE)
    except (WarrenError, ServicesError) as error:
        _fail(str(error), FAILED)
    except RedisError as error:
        _fail(f"Redis does not answer: {error}; is it up? see `warren services status`", UNAVAILABLE)
    except DATABASE_ERRORS as error:
        _fail(f"PostgreSQL does not answer: {_one_line(error)}; see `warren services status`", UNAVAILABLE)
    except BrokenPipeError:
        raise typer.Exit(0) from None  # the reader, `head` say, has what it wanted


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"warren: {' '.join(message.split())}\n")
    raise typer.Exit(code)


def _one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
