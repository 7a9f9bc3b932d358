"""A demo can be looked into from outside while it plays, and what a killed one leaves is cleared away."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import orjson
import pytest

from cli.demo.places import LOGS_KEPT, run_folder
from cli.demo.playing import ENVIRONMENT, NOTE
from cli.localservers import Addresses
from tests.demo.support import Demo, demo, left_behind
from tests.support.waiting import until


@pytest.fixture
def apart(servers: Addresses, tmp_path: Path) -> dict[str, str]:
    """Variables of a demo whose files no other demo of this checkout sees."""
    return {**servers.as_environment(), "WARREN_STATE_DIR": str(tmp_path)}


async def _warren(*arguments: str, **variables: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *arguments, env={**os.environ, **variables}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stdout, stderr = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


async def _killed(apart: dict[str, str], servers: Addresses, tmp_path: Path) -> Demo:
    async with demo("--orders", "40", "--seed", "5", **apart) as running:
        await running.says("running: published")
        assert len(running.processes()) == 6
        os.kill(running.pid, signal.SIGKILL)

        async def alone() -> bool:
            return running.processes() == {}

        await until(alone, "the children of a killed demo to end by themselves")
    there = left_behind(servers, running.run)
    assert there[:5] == ["its virtual host", *(f"its database{of}" for of in ("", "_shop", "_crm", "_mes"))]
    assert {file.name for file in (tmp_path / "demo" / running.run).iterdir()} >= {NOTE, ENVIRONMENT}
    return running


async def test_another_terminal_can_look_into_it_while_it_plays(apart: dict[str, str], tmp_path: Path) -> None:
    async with demo("--orders", "40", "--seed", "6", **apart) as running:
        await running.says("running: published")
        found = re.search(r"In another terminal: (set -a; \. \S+; set \+a; \S+) lag$", running.said, re.M)
        assert found is not None, running.said
        for command in ("lag --json", "audit --json", "tail --json -n 1", "outbox lag --json"):
            code, stdout, stderr = await _warren("sh", "-c", f"{found.group(1)} {command}")
            assert code == 0, stderr
            assert orjson.loads(stdout)
            if command.startswith("lag"):
                assert len(orjson.loads(stdout)["partitions"]) == 4
        (file,) = (tmp_path / "demo").glob(f"*/{ENVIRONMENT}")
        assert file.stat().st_mode & 0o077 == 0, "others could read passwords"
        running.signal(signal.SIGINT)
        code, _ = await running.end()
        assert code == 0
    logs = sorted(file.name for file in (tmp_path / "demo" / running.run).iterdir())
    assert logs == ["board.log", "crm-relay.log", "mes-relay.log", "pipeline.log", "shop-relay.log"]


@pytest.mark.long
async def test_a_killed_demos_children_end_and_the_next_demo_clears_away_its_data(
    apart: dict[str, str], servers: Addresses, tmp_path: Path
) -> None:
    killed = await _killed(apart, servers, tmp_path)
    async with demo("--orders", "20", "--once", "--json", "--seed", "7", **apart) as following:
        code, _ = await following.end()
    assert code == 0, following.said
    assert f"clearing away {killed.run}" in following.said
    assert left_behind(servers, killed.run) == []
    assert [*(tmp_path / "demo").glob(f"*/{NOTE}"), *(tmp_path / "demo").glob(f"*/{ENVIRONMENT}")] == []


@pytest.mark.long
async def test_a_demo_that_plays_is_not_cleared_away_by_others_and_services_clear_a_killed_one(
    apart: dict[str, str], servers: Addresses, tmp_path: Path
) -> None:
    killed = await _killed(apart, servers, tmp_path)
    services = (sys.executable, "-c", "from cli.main import main; main()", "services")
    async with demo("--orders", "40", "--seed", "8", **apart) as playing:
        await playing.says("running: published")
        assert left_behind(servers, killed.run) == []
        for verb in ("up", "down"):
            code, _, stderr = await _warren(*services, verb, **apart)
            assert code == 0, stderr
            assert "clearing away" not in stderr
        assert left_behind(servers, playing.run) != []
        os.kill(playing.pid, signal.SIGKILL)
    code, _, stderr = await _warren(*services, "down", **apart)
    assert code == 0, stderr
    assert f"clearing away {playing.run}" in stderr
    assert left_behind(servers, playing.run) == []


def test_the_logs_of_the_last_few_demos_are_kept_and_those_of_one_that_plays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WARREN_STATE_DIR", str(tmp_path))
    for number in range(LOGS_KEPT + 3):
        folder = run_folder(f"demo_{number}", NOTE)
        os.utime(folder, (number, number))
        if number == 0:
            (folder / NOTE).touch()
            os.utime(folder, (number, number))
    kept = {path.name for path in (tmp_path / "demo").iterdir()}
    assert kept == {"demo_0", *(f"demo_{number}" for number in range(3, LOGS_KEPT + 3))}
