"""Orders brought to the board's stores by the real pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses
from tests.board.stock import publish, stock
from tests.board.support import Board, asked
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until


@pytest.fixture(scope="session")
async def stocked(servers: Addresses) -> AsyncIterator[Run]:
    """A run whose stores hold `stock()`, its pipeline at rest. For tests that only read."""
    async with fresh_run(servers) as run:
        await stocked_up(run)
        yield run


@pytest.fixture
async def own_stock(run: Run) -> Run:
    """The same for a test that spoils it."""
    await stocked_up(run)
    return run


@pytest.fixture
async def board(stocked: Run) -> AsyncIterator[Board]:
    """A board over `stocked`."""
    async with asked(stocked.settings) as board:
        yield board


async def stocked_up(run: Run) -> None:
    """Bring `stock()` into Postgres and Redis."""
    async with running_pipeline(run):
        await publish(run, *stock())
        await caught_up(run)
        async with asked(run.settings) as board:

            async def from_cache() -> bool:
                return bool((await board.json("/api/board"))["source"] == "cache")

            await until(from_cache, "the cache to be filled")
