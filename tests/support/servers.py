"""Real servers for tests: skipped locally where none can be had, failed in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cli.localservers import Addresses, ServicesError, running_servers


@contextmanager
def real_servers(holder: str, *, name: str | None = None) -> Iterator[Addresses]:
    """Give servers for as long as the block runs: this checkout's own, or its further set `name`."""
    context = running_servers(holder, name=name)
    try:
        addresses = context.__enter__()
    except ServicesError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no servers: {error}")
    try:
        yield addresses
    finally:
        context.__exit__(None, None, None)
