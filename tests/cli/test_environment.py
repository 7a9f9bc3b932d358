"""Servers are named all together or not at all, where local ones could fill the gaps."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from cli.environment import current_settings
from cli.localservers import Addresses, StateDir
from cli.localservers.ports import Ports
from cli.localservers.state import State, save
from pipelines.engine.settings import settings
from tests.cli.support import AWAY, Warren

NAMES = ("WARREN_STREAM_URL", "WARREN_POSTGRES_DSN", "WARREN_REDIS_URL")
PORTS = Ports(stream=1, amqp=2, management=3, prometheus=4, distribution=5, epmd=6, postgres=7, replica=9, redis=8)
LOCAL = Addresses.on_loopback(PORTS)
READ_DSN = "postgresql://warren@replica/warren"


@pytest.fixture
def lone_warren(lost_warren: Warren, tmp_path: Path) -> Warren:
    """Names no server, and its local ones are not up."""
    for name in AWAY:
        del lost_warren.environment[name]
    lost_warren.environment["WARREN_STATE_DIR"] = str(tmp_path)
    return lost_warren


@pytest.fixture
def local_warren(lone_warren: Warren, tmp_path: Path) -> Warren:
    """Names no server, and its state says that local ones are up."""
    save(StateDir(tmp_path), State(mode="debian", suite="trixie", ports=PORTS, addresses=LOCAL))
    return lone_warren


@pytest.mark.parametrize("named", [*combinations(NAMES, 1), *combinations(NAMES, 2)], ids="+".join)
async def test_half_a_set_is_refused_while_local_servers_are_up(local_warren: Warren, named: tuple[str, ...]) -> None:
    local_warren.environment |= {name: AWAY[name] for name in named}
    missing = ", ".join(name for name in NAMES if name not in named)
    (await local_warren("lag")).failed(2, f"{missing} not set", f"name all of {', '.join(NAMES)}, or none of them")


async def test_a_line_in_env_names_a_server_too(
    local_warren: Warren, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"WARREN_REDIS_URL={AWAY['WARREN_REDIS_URL']}\n")
    monkeypatch.chdir(tmp_path)
    (await local_warren("lag")).failed(2, "WARREN_STREAM_URL, WARREN_POSTGRES_DSN not set")


async def test_half_a_set_is_the_callers_own_affair_without_local_servers(lone_warren: Warren) -> None:
    lone_warren.environment["WARREN_POSTGRES_DSN"] = AWAY["WARREN_POSTGRES_DSN"]
    (await lone_warren("lag")).failed(3, "run `warren services up`")


@pytest.mark.parametrize("named", [(), NAMES], ids=["none", "all"])
def test_a_replica_goes_with_local_servers_and_with_named_ones(
    local_warren: Warren, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    for name in (*AWAY, "WARREN_AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
    wanted = local_warren.environment | {name: AWAY[name] for name in named} | {"WARREN_POSTGRES_READ_DSN": READ_DSN}
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        found = current_settings()
    finally:
        settings.cache_clear()
    assert found.postgres_read_dsn == READ_DSN
    assert found.postgres_dsn == (AWAY["WARREN_POSTGRES_DSN"] if named else LOCAL.postgres_dsn)
    assert found.redis_url == (AWAY["WARREN_REDIS_URL"] if named else LOCAL.redis_url)
