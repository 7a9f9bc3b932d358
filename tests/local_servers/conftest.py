"""Real servers for these tests: one shared set, started once, and folders for further sets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.localservers import ServerControl, StateDir, running_servers
from cli.localservers.lifecycle import down
from tests.local_servers.support import quiet
from tests.support.own_sets import OwnSet, servers_of_our_own


@pytest.fixture(scope="session")
def own_servers() -> Iterator[None]:
    """Only where servers of our own can run."""
    with servers_of_our_own():
        yield


@pytest.fixture(scope="session")
def shared(own_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSet]:
    home = StateDir(tmp_path_factory.mktemp("shared"))
    with running_servers("local server tests", home=home, say=quiet) as addresses:
        yield OwnSet(home, addresses, ServerControl(home, say=quiet))
    down(home, force=True, purge=True, say=quiet)


@pytest.fixture
def new_home(own_servers: None, tmp_path: Path) -> Iterator[Callable[[str], StateDir]]:
    """Give folders for further sets; whatever the test leaves running in them is stopped."""
    homes: list[StateDir] = []

    def make(name: str) -> StateDir:
        homes.append(StateDir(tmp_path / name))
        return homes[-1]

    yield make
    for home in homes:
        down(home, force=True, purge=True, say=quiet)
