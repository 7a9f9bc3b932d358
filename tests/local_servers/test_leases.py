"""Several holders share a set; the last one out stops it unless `up` pinned it."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from cli.localservers import ServicesError, StateDir, down, running_servers, up
from cli.localservers.processes import ProcessId, identify
from cli.localservers.state import Lease, load, save
from tests.local_servers.support import all_healthy, ended, known_state, processes_of, quiet
from tests.support.own_sets import OwnSet


@pytest.mark.long
def test_the_last_one_out_stops_the_servers(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("leased")
    with running_servers("demo", home=home, say=quiet) as addresses:
        processes = processes_of(home)
        with running_servers("tests", home=home, say=quiet) as same:
            assert same == addresses
        assert all_healthy(addresses), "the demo still holds its lease"
    assert ended(processes)
    assert load(home) is None


@pytest.mark.long
def test_servers_that_up_asked_for_stay(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("pinned")
    with running_servers("tests", home=home, say=quiet) as addresses:
        up(home, say=quiet)
    assert all_healthy(addresses)


def test_down_refuses_while_another_holds_a_lease(shared: OwnSet) -> None:
    with pytest.raises(ServicesError, match=r"in use by local server tests \(process \d+\).*--force"):
        down(shared.home, say=quiet)
    assert all_healthy(shared.addresses)


@pytest.mark.long
def test_down_by_force_does_not_break_the_holders_way_out(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("forced")
    with running_servers("demo", home=home, say=quiet):
        assert down(home, force=True, say=quiet)
    assert load(home) is None


@pytest.mark.long
def test_a_lease_of_a_process_that_died_counts_no_more(new_home: Callable[[str], StateDir]) -> None:
    home = new_home("died")
    program = (
        "import os, pathlib, sys; from cli.localservers import StateDir, running_servers\n"
        "with running_servers('killed', home=StateDir(pathlib.Path(sys.argv[1]))): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(home.root)], capture_output=True, check=False)
    assert [lease.holder for lease in known_state(home).leases] == ["killed"]
    processes = processes_of(home)
    with running_servers("tests", home=home, say=quiet):
        assert [lease.holder for lease in known_state(home).leases] == ["tests"]
        assert processes_of(home)[: len(processes)] == processes, "the servers outlived their starter"
    assert ended(processes)


def test_a_reused_pid_is_not_taken_for_the_holder(shared: OwnSet) -> None:
    me = identify(os.getpid())
    assert me is not None
    state = known_state(shared.home)
    reused = ProcessId(pid=me.pid, started="long ago")
    state.leases.append(Lease(lease_id="0", holder="somebody before", process=reused))
    save(shared.home, state)
    state.prune_leases()
    assert [lease.process for lease in state.leases] == [me]
