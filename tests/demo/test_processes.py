"""Children live in process groups of their own, are asked to end, killed when they do not, and missed when they die."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from cli.demo import processes
from cli.demo.errors import DemoFailed
from cli.demo.processes import Child, child, guarded
from tests.cli.support import AWAY
from tests.support.waiting import until

RUN = ("run", "views@1")


async def has_begun(one: Child) -> None:
    """Wait until the pipeline waits for the servers that are away, its signals handled."""

    async def waits() -> bool:
        assert one.process.returncode is None, one.last_lines()
        return any("waiting for" in line for line in one.last_lines())

    await until(waits, "the child to wait for its servers")


async def test_a_child_is_beyond_the_terminals_reach_and_ends_when_asked(tmp_path: Path) -> None:
    async with child("pipeline", RUN, AWAY, tmp_path / "log", asyncio.Event()) as one:
        await has_begun(one)
        assert os.getpgid(one.process.pid) == one.process.pid != os.getpgid(0)
    assert one.process.returncode == 0


async def test_one_that_does_not_end_is_killed_when_somebody_is_in_a_hurry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 1e6)
    hurry = asyncio.Event()
    async with child("pipeline", RUN, AWAY, tmp_path / "log", hurry) as one:
        await has_begun(one)
        os.kill(one.process.pid, signal.SIGSTOP)
        hurry.set()
    assert one.process.returncode == -signal.SIGKILL


async def test_one_that_does_not_end_in_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.1)
    async with child("pipeline", RUN, AWAY, tmp_path / "log", asyncio.Event()) as one:
        await has_begun(one)
        os.kill(one.process.pid, signal.SIGSTOP)
    assert one.process.returncode == -signal.SIGKILL


async def test_work_stops_when_a_child_dies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with child("pipeline", ("run", "nonsense"), AWAY, tmp_path / "log", asyncio.Event()) as one:
        with pytest.raises(DemoFailed, match=r"the pipeline ended \(exit code 2\)"):
            await guarded(work(), [one])
    assert stopped.is_set()
    assert "pipeline: warren: " in capsys.readouterr().err


async def test_work_that_is_done_in_time_gives_its_result(tmp_path: Path) -> None:
    async def work() -> int:
        return 42

    async with child("pipeline", RUN, AWAY, tmp_path / "log", asyncio.Event()) as one:
        assert await guarded(work(), [one]) == 42
