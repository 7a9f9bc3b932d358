"""State that outlived its servers, as after a reboot, is put right by the next `up`."""

import signal
from collections.abc import Callable

import psycopg
import pytest

from cli.localservers import StateDir, down, up
from cli.localservers.processes import send, wait_ended
from cli.localservers.state import load
from tests.local_servers.support import all_healthy, known_state, quiet


@pytest.mark.long
def test_servers_that_all_died_start_again_with_their_data(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("stale")
    first = up(home, say=quiet)
    with psycopg.connect(first.addresses.postgres_dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    for server in known_state(home).servers.values():
        send(server.init, signal.SIGKILL)
        assert wait_ended(server.init, 10)
    second = up(home, say=quiet)
    assert all_healthy(second.addresses)
    with psycopg.connect(second.addresses.postgres_dsn) as connection:
        connection.execute("SELECT n FROM kept")

    for server in known_state(home).servers.values():
        send(server.init, signal.SIGKILL)
        assert wait_ended(server.init, 10)
    down(home, say=quiet)
    assert load(home) is None
