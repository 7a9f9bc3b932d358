"""Most tests here give batches straight to an instance and need no stream: they share one environment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses
from tests.instance.owners import take_effect_pausing
from tests.support.emptied import run, shared
from tests.support.runs import Run, fresh_run

__all__ = ["run", "shared"]


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.engine.instance.owner.take_effect", take_effect_pausing)


@pytest.fixture
async def streaming(servers: Addresses) -> AsyncIterator[Run]:
    """An environment of the test's own, with a stream."""
    async with fresh_run(servers) as own:
        yield own
