"""A month that leaves rests while events take effect late, and only then."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipelines.edges.archive import resting as module
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import Step
from pipelines.edges.archive.resting import Resting, resting
from tests.support.runs import Run

STEP = Step("timeline", Month(2026, 3), "written", 10_000)


def test_it_rests_so_many_times_as_long_as_it_has_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    moment = 100.0
    monkeypatch.setattr(module, "REST", 6.0)
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    monkeypatch.setattr(time, "sleep", slept.append)
    told: list[Step] = []
    rests = Resting(told.append)
    moment += 0.5
    rests(STEP)
    assert slept == []
    rests.late = True
    moment += 0.5
    rests(STEP)
    moment += 30.0
    rests(STEP)
    assert slept == [3.0, module._LONGEST_SECONDS]
    assert told == [STEP] * 3


@pytest.mark.parametrize(
    ("recorded", "committed", "late"),
    [("1 second", "0 seconds", True), ("0.05 seconds", "0 seconds", False), ("1 hour", "59 minutes", False)],
)
async def test_late_is_who_lately_committed_long_after_the_log(
    run: Run, recorded: str, committed: str, late: bool
) -> None:
    connection = await run.connect()
    await connection.execute(
        f"""INSERT INTO checkpoint (partition, recorded_at, committed_at)
            VALUES (0, now() - interval '{recorded}', now() - interval '{committed}')"""
    )
    async with connection.transaction():
        async with resting(connection, lambda _: None) as rests:
            await asyncio.sleep(0.1)
            assert isinstance(rests, Resting)
            assert rests.late is late
        assert await connection.fetchval("SELECT 1") == 1  # the transaction goes on
    await connection.close()
