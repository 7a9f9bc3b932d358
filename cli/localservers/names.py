"""What the servers, the ways to get them and the progress callback are called."""

import sys
from collections.abc import Callable
from typing import Literal, get_args

ServerName = Literal["rabbitmq", "postgres", "redis"]
SERVER_NAMES: tuple[ServerName, ...] = get_args(ServerName)

OwnMode = Literal["compose", "debian"]
Mode = Literal["environment", "compose", "debian"]

Say = Callable[[str], None]
"""Told what is being done, in a few words, each time that changes."""


def say_on_stderr(message: str) -> None:
    """Write one line of progress where it cannot mix with a command's output."""
    sys.stderr.write(f"services: {message}\n")
    sys.stderr.flush()
