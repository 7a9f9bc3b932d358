"""Breaking servers on purpose, for fault tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.localservers.backend import Backend
from cli.localservers.errors import ServicesError
from cli.localservers.health import wait_healthy
from cli.localservers.lifecycle import open_backend
from cli.localservers.names import Say, ServerName, say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.state import State, load


class ServerControl:
    """Kills, freezes and restarts single servers of a set that is up, on the same ports and data.

    Every method returns when what it promises has happened; call them in a thread from async code. Whoever shares
    the set sees the fault too, so take one of your own: `running_servers("my test", name="faults")` together with
    `ServerControl(StateDir.of_checkout("faults"))`.
    """

    def __init__(self, home: StateDir, *, say: Say = say_on_stderr) -> None:
        self._home = home
        self._say = say

    def kill(self, server: ServerName) -> None:
        """End it at once with all its processes; nothing is flushed or said goodbye to. Idempotent."""
        with self._opened() as (_, backend):
            backend.kill(server)

    def stop(self, server: ServerName) -> None:
        """Let it end in good order. Idempotent."""
        with self._opened() as (_, backend):
            backend.stop(server)

    def start(self, server: ServerName) -> None:
        """Start it again and wait until it is healthy. Idempotent."""
        with self._opened() as (state, backend):
            backend.start(server)
            wait_healthy(server, state.addresses, backend)

    def restart(self, server: ServerName) -> None:
        """Stop it in good order, start it again and wait until it is healthy."""
        with self._opened() as (state, backend):
            backend.stop(server)
            backend.start(server)
            wait_healthy(server, state.addresses, backend)

    def pause(self, server: ServerName) -> None:
        """Freeze all its processes: connections stay open and nothing answers. Idempotent."""
        with self._opened() as (_, backend):
            backend.pause(server)

    def resume(self, server: ServerName) -> None:
        """Let a frozen server go on. Idempotent; does not wait for health."""
        with self._opened() as (_, backend):
            backend.resume(server)

    def running(self, server: ServerName) -> bool:
        """Whether it has not ended. A frozen server runs."""
        with self._opened() as (_, backend):
            return backend.running(server)

    @contextmanager
    def _opened(self) -> Iterator[tuple[State, Backend]]:
        with self._home.locked(self._say):
            state = load(self._home)
            if state is None:
                raise ServicesError(f"no servers are up in {self._home.root}: hold running_servers() first")
            yield state, open_backend(self._home, state, self._say)
