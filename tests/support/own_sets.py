"""Sets of servers beside those that the tests share, for tests that break them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from cli.localservers import Addresses, ServerControl, StateDir
from cli.localservers.buildtools import can_build
from cli.localservers.compose import engine_answers


@dataclass(frozen=True)
class OwnSet:
    """A set that is up for the whole session. Tests may break a server of it and must mend it."""

    home: StateDir
    addresses: Addresses
    control: ServerControl


@contextmanager
def servers_of_our_own() -> Iterator[None]:
    """Make sure servers of our own can run here, whatever servers the caller's environment names; else skip."""
    with pytest.MonkeyPatch.context() as patch:
        if can_build():
            patch.setenv("WARREN_SERVICES_MODE", "debian")
        elif engine_answers():
            patch.setenv("WARREN_SERVICES_MODE", "compose")
        else:
            pytest.skip("neither a Docker engine nor root or sudo on Debian")
        for name in ("STREAM_URL", "AMQP_URL", "MANAGEMENT_URL", "POSTGRES_DSN", "POSTGRES_READ_DSN", "REDIS_URL"):
            patch.delenv(f"WARREN_{name}", raising=False)
        yield
