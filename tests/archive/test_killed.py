"""Whatever ends an archiving or a restoring between two steps: nothing is gone, and the next one ends as if nothing had
been."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from pipelines.edges.archive.errors import ArchiveBusy, ArchiveError
from pipelines.edges.archive.progress import Step, Told, nobody
from pipelines.engine.settings import Settings
from tests.archive.support import OLD, all_rows, come_back, fill, leave
from tests.archive.whole import everything
from tests.support.runs import Run
from tests.support.waiting import until


class Broken(Exception):
    """Ends a step."""


def failing_at(number: int, steps: list[Step]) -> Told:
    """Return what notes the steps and raises at one of them."""

    def told(step: Step) -> None:
        steps.append(step)
        if len(steps) == number:
            raise Broken

    return told


async def one_month(run: Run) -> asyncpg.Connection:
    """Fill the database, and leave out the empty month."""
    await fill(run)
    connection = await run.connect()
    await connection.execute(f"DROP TABLE timeline{OLD.plus(1).suffix}, closed_orders{OLD.plus(1).suffix}")
    return connection


async def test_an_archiving_that_fails_at_any_step(run: Run, archiving: Settings, folder: Path) -> None:
    connection = await one_month(run)
    before = await everything(connection, folder)
    names: list[str] = []
    while True:
        steps: list[Step] = []
        try:
            await leave(archiving, failing_at(len(names) + 1, steps))
        except Broken:
            names.append(steps[-1].name)
            assert await everything(connection, folder) == before, steps
            await leave(archiving)
            assert await everything(connection, folder) == before, steps
            assert await connection.fetchval("SELECT count(*) FROM archived_months") == 2
            await come_back(archiving)
            shutil.rmtree(folder / "views_v1")
        else:
            break
    assert set(names) == {"begun", "cleared", "written", "filed", "listed", "compared", "swapping", "swapped"}
    assert len(names) > 20
    await connection.close()


async def test_a_restoring_that_fails_at_any_step(run: Run, archiving: Settings, folder: Path) -> None:
    connection = await one_month(run)
    before = await everything(connection, folder)
    await leave(archiving)
    names: list[str] = []
    while "swapped" not in names:
        steps: list[Step] = []
        with pytest.raises(Broken):
            await come_back(archiving, OLD, failing_at(len(names) + 1, steps))
        names.append(steps[-1].name)
        assert await everything(connection, folder) == before, steps
    assert set(names) == {"begun", "written", "indexed", "compared", "swapping", "swapped"}
    assert await connection.fetchval("SELECT count(*) FROM archived_months") == 0
    await leave(archiving)
    assert await everything(connection, folder) == before
    await connection.close()


async def _killed(run: Run, folder: Path, number: int, *arguments: str) -> int:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.archive.entries.killed_at", str(number), "archive", *arguments,
        env={**os.environ, **run.environment(), "WARREN_ARCHIVE_URL": str(folder)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode in (0, -signal.SIGKILL), said
    return child.returncode or 0


@pytest.mark.faults
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
async def test_killed_at_seeded_steps(run: Run, archiving: Settings, folder: Path, seed: int) -> None:
    connection = await one_month(run)
    before = await everything(connection, folder)
    chance = random.Random(seed)

    async def free() -> bool:
        """Nobody holds what the dead process held."""
        busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warren archive'"
        return not await connection.fetchval(busy)

    for arguments, steps in (("run",), 22), (("restore", str(OLD)), 15):
        for number in chance.sample(range(1, steps), 4):
            await _killed(run, folder, number, *arguments)
            await until(free, "the dead process's connections to end")
            assert await everything(connection, folder) == before, (arguments, number)
        with contextlib.suppress(ArchiveError):  # an earlier one may have been killed when all was done
            await (leave(archiving) if arguments == ("run",) else come_back(archiving))
        assert await everything(connection, folder) == before
    await leave(archiving)
    assert await everything(connection, folder) == before
    await connection.close()


async def test_two_at_once(run: Run, archiving: Settings) -> None:
    await fill(run)
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(step: Step) -> None:
        if step.name == "begun":
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)

    first = asyncio.create_task(leave(archiving, told))
    await begun.wait()
    with pytest.raises(ArchiveBusy, match="just now"):
        await leave(archiving)
    with pytest.raises(ArchiveBusy, match="just now"):
        await come_back(archiving)
    go_on.set()
    assert await first
    await leave(archiving, nobody)


async def test_interrupted_it_ends_at_once_and_leaves_nothing_held(run: Run, archiving: Settings) -> None:
    await fill(run)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(step: Step) -> None:
        if step.name == "written":
            loop.call_soon_threadsafe(begun.set)

    first = asyncio.create_task(leave(archiving, told))
    await begun.wait()
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    connection = await run.connect()
    rows = await all_rows(connection)
    await connection.execute("INSERT INTO timeline SELECT * FROM timeline WHERE false")
    await leave(archiving)
    assert rows
    await connection.close()
