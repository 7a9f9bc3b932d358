"""Sharing one set of servers: whoever needs it holds a lease, and the last one out stops it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from cli.localservers.addresses import Addresses
from cli.localservers.errors import ServicesError
from cli.localservers.lifecycle import bring_up, named_by_environment, take_down
from cli.localservers.names import Say, say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.processes import identify
from cli.localservers.state import Lease, load, save


@contextmanager
def running_servers(
    holder: str, *, name: str | None = None, home: StateDir | None = None, say: Say = say_on_stderr
) -> Iterator[Addresses]:
    """Give healthy servers for as long as the block runs, started if need be.

    They are this checkout's shared set, or its further set `name`, or the set in `home`. On the way out they
    stop if nobody else holds a lease and `services up` has not asked for them to stay. A holder that died without
    leaving the block no longer counts. Servers named by the environment are used as they are, never stopped.
    """
    home = home or StateDir.of_checkout(name)
    if named := named_by_environment(home):
        yield named
        return
    lease_id, addresses = _acquire(home, holder, say)
    try:
        yield addresses
    finally:
        _release(home, lease_id, say)


def _acquire(home: StateDir, holder: str, say: Say) -> tuple[str, Addresses]:
    me = identify(os.getpid())
    if me is None:
        raise ServicesError("cannot read this process's start time: is /proc mounted?")
    with home.locked(say):
        state = bring_up(home, say)
        lease = Lease(lease_id=uuid.uuid4().hex, holder=holder, process=me)
        state.leases.append(lease)
        save(home, state)
    return lease.lease_id, state.addresses


def _release(home: StateDir, lease_id: str, say: Say) -> None:
    with home.locked(say):
        state = load(home)
        if state is None:
            return  # taken down by force meanwhile
        state.leases = [lease for lease in state.leases if lease.lease_id != lease_id]
        state.prune_leases()
        if state.leases or state.pinned:
            save(home, state)
        else:
            take_down(home, state, say)
