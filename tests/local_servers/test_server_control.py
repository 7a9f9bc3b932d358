"""Servers can be killed, stopped, frozen and started again on the same ports and data."""

import signal
from pathlib import Path

import psycopg
import pytest

from cli.localservers import SERVER_NAMES, ServerControl, ServerName, ServicesError, StateDir
from cli.localservers.health import why_unhealthy
from cli.localservers.processes import is_alive, send
from tests.local_servers.support import ended, known_state, processes_of, quiet
from tests.support.own_sets import OwnSet

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("server", SERVER_NAMES)
def test_a_killed_server_is_gone_at_once_and_comes_back(shared: OwnSet, server: ServerName) -> None:
    before = processes_of(shared.home)
    others = known_state(shared.home).servers
    shared.control.kill(server)
    try:
        assert not shared.control.running(server)
        assert why_unhealthy(server, shared.addresses) is not None
        survivors = {name: process for name, process in others.items() if name != server}
        assert all(is_alive(process.init) for process in survivors.values())
        shared.control.kill(server)
    finally:
        shared.control.start(server)
    assert why_unhealthy(server, shared.addresses) is None
    assert not ended(before)


def test_committed_rows_survive_a_kill(shared: OwnSet) -> None:
    with psycopg.connect(shared.addresses.postgres_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE survivors AS SELECT generate_series(1, 1000) AS n")
        shared.control.kill("postgres")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    shared.control.start("postgres")
    with psycopg.connect(shared.addresses.postgres_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM survivors").fetchone() == (1000,)


def test_a_restarted_server_is_another_process(shared: OwnSet) -> None:
    before = known_state(shared.home).servers.get("redis")
    shared.control.restart("redis")
    after = known_state(shared.home).servers.get("redis")
    assert why_unhealthy("redis", shared.addresses) is None
    assert before is None or before != after


@pytest.mark.parametrize("server", SERVER_NAMES)
def test_a_frozen_server_keeps_silent_until_it_is_resumed(shared: OwnSet, server: ServerName) -> None:
    shared.control.pause(server)
    try:
        assert shared.control.running(server)
        shared.control.pause(server)
        if server == "redis":
            assert why_unhealthy(server, shared.addresses) is not None
    finally:
        shared.control.resume(server)
    shared.control.start(server)
    assert why_unhealthy(server, shared.addresses) is None


def test_a_frozen_server_can_be_stopped(shared: OwnSet) -> None:
    shared.control.pause("postgres")
    shared.control.stop("postgres")
    assert not shared.control.running("postgres")
    shared.control.stop("postgres")
    shared.control.start("postgres")


def test_a_server_that_does_not_run_cannot_be_frozen(shared: OwnSet) -> None:
    shared.control.stop("redis")
    try:
        with pytest.raises(ServicesError):
            shared.control.pause("redis")
    finally:
        shared.control.start("redis")


def test_control_needs_a_set_that_is_up(tmp_path: Path) -> None:
    with pytest.raises(ServicesError, match="running_servers"):
        ServerControl(StateDir(tmp_path), say=quiet).kill("redis")


def test_a_process_that_only_has_the_same_pid_is_not_signalled(shared: OwnSet) -> None:
    for server in known_state(shared.home).servers.values():
        impostor = server.server.model_copy(update={"started": "long ago"})
        assert not send(impostor, signal.SIGKILL)
        assert is_alive(server.server)
