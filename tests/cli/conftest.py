"""The command in three surroundings: a run's servers, a run nobody has prepared, and no servers at all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses
from tests.cli.support import AWAY, Warren, environment_of
from tests.support.runs import Run, fresh_run


@pytest.fixture
def warren(run: Run, monkeypatch: pytest.MonkeyPatch) -> Warren:
    """The command on the test's own, prepared environment."""
    return Warren(environment_of(run), monkeypatch)


@pytest.fixture
async def bare_warren(servers: Addresses, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Warren]:
    """The command on an environment without tables and without a stream."""
    async with fresh_run(servers, prepared=False) as bare:
        yield Warren(environment_of(bare), monkeypatch)


@pytest.fixture
def lost_warren(monkeypatch: pytest.MonkeyPatch) -> Warren:
    """The command where no server answers."""
    return Warren(AWAY | {"USER": "tester"}, monkeypatch)
