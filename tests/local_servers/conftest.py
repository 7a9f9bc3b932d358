"""Real servers for these tests: one shared set, started once, and folders for further sets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.localservers import Addresses, ServerControl, StateDir, running_servers
from cli.localservers.buildtools import can_build
from cli.localservers.compose import engine_answers
from cli.localservers.lifecycle import down
from tests.local_servers.support import quiet


@dataclass(frozen=True)
class SharedSet:
    """A set that is up for the whole session. Tests may break a server of it and must mend it."""

    home: StateDir
    addresses: Addresses
    control: ServerControl


@pytest.fixture(scope="session")
def own_servers() -> Iterator[None]:
    """Make sure servers of our own can run here, whatever servers the caller's environment names."""
    with pytest.MonkeyPatch.context() as patch:
        if can_build():
            patch.setenv("WARREN_SERVICES_MODE", "debian")
        elif engine_answers():
            patch.setenv("WARREN_SERVICES_MODE", "compose")
        else:
            pytest.skip("neither a Docker engine nor root or sudo on Debian")
        for name in ("STREAM_URL", "AMQP_URL", "MANAGEMENT_URL", "POSTGRES_DSN", "POSTGRES_READ_DSN", "REDIS_URL"):
            patch.delenv(f"WARREN_{name}", raising=False)
        yield


@pytest.fixture(scope="session")
def shared(own_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedSet]:
    home = StateDir(tmp_path_factory.mktemp("shared"))
    with running_servers("local server tests", home=home, say=quiet) as addresses:
        yield SharedSet(home, addresses, ServerControl(home, say=quiet))
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
