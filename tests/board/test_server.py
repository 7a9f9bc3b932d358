"""The board as a program."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from dashboards.operator.server import running_board
from schemas.errors import SettingsError
from tests.board.support import asked
from tests.support.runs import Run


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_ends_cleanly_with_a_page_open(stocked: Run, stop: signal.Signals) -> None:
    environment = {
        **os.environ,
        **stocked.addresses.as_environment(),
        "WARREN_BOARD_PORT": "0",
        "WARREN_BOARD_SIGN_IN": "off",
    }
    program = "from dashboards.operator.server import serve; from pipelines.engine.settings import Settings; "
    child = subprocess.Popen(
        [sys.executable, "-c", f"{program} serve(Settings(_env_file=None))"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        printed = child.stdout.readline()
        address = re.fullmatch(r"board: (http://127\.0\.0\.1:\d+)\n", printed)
        assert address is not None, printed
        with httpx.stream("GET", f"{address[1]}/api/events", timeout=30) as stream:
            pieces = stream.iter_bytes()
            assert next(pieces)
            child.send_signal(stop)
            for _ in pieces:
                pass
        _, complaints = child.communicate(timeout=30)
    finally:
        child.kill()
    assert complaints == ""
    assert child.returncode == (0 if stop == signal.SIGINT else -signal.SIGTERM)


async def test_a_port_that_is_taken_is_named(stocked: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}.*WARREN_BOARD_PORT"):
            async with running_board(stocked.settings.model_copy(update={"board_port": port})):
                pass


async def test_a_redis_address_that_is_none_is_named(stocked: Run) -> None:
    with pytest.raises(SettingsError, match="WARREN_REDIS_URL"):
        async with asked(stocked.settings, redis_url="nonsense"):
            pass
