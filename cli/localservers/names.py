"""What the servers, the ways to get them and the progress callback are called."""

import sys
from collections.abc import Callable
from typing import Literal

ServerName = Literal["rabbitmq", "postgres", "redis", "replica"]

SERVER_NAMES: tuple[ServerName, ...] = ("rabbitmq", "postgres", "redis")
"""What every set has."""

REPLICA: ServerName = "replica"
"""A streaming replica of `postgres`, which a set has where somebody asked for one."""

ALL_NAMES: tuple[ServerName, ...] = (*SERVER_NAMES, REPLICA)
"""What a set may have, in the order in which they start."""

OwnMode = Literal["compose", "debian"]
Mode = Literal["environment", "compose", "debian"]

Say = Callable[[str], None]
"""Told what is being done, in a few words, each time that changes."""


def say_on_stderr(message: str) -> None:
    """Write one line of progress where it cannot mix with a command's output."""
    sys.stderr.write(f"services: {message}\n")
    sys.stderr.flush()
