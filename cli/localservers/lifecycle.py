"""Bringing a set of servers up and down."""

from dataclasses import dataclass

from cli.localservers.addresses import Addresses, environment_addresses
from cli.localservers.backend import Backend, LogSource
from cli.localservers.compose import ComposeBackend, engine_answers
from cli.localservers.debian import DebianBackend
from cli.localservers.errors import ServicesError
from cli.localservers.health import wait_healthy
from cli.localservers.logs import LogFiles
from cli.localservers.names import ALL_NAMES, REPLICA, Mode, OwnMode, Say, ServerName, say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.ports import reserve_ports
from cli.localservers.settings import Settings, read_settings
from cli.localservers.state import State, forget, load, save


@dataclass(frozen=True)
class Servers:
    """A healthy set of servers and where it came from."""

    mode: Mode
    addresses: Addresses


def up(home: StateDir | None = None, *, replica: bool = False, say: Say = say_on_stderr) -> Servers:
    """Bring the servers up, wait until they are healthy, and keep them until `down`. Idempotent.

    With `replica`, or where one was asked for before, PostgreSQL gets a streaming replica. Raises ServicesError where
    that would have to be one of a server which the environment names.
    """
    home = home or StateDir.of_checkout()
    if named := named_by_environment(home):
        if replica and named.postgres_read_dsn is None:
            raise ServicesError(
                "WARREN_POSTGRES_DSN names a server that is not ours: name its replica, too, by "
                "WARREN_POSTGRES_READ_DSN"
            )
        return Servers("environment", named)
    with home.locked(say):
        state = bring_up(home, say, replica=replica)
        state.pinned = True
        save(home, state)
    return Servers(state.mode, state.addresses)


def down(home: StateDir | None = None, *, force: bool = False, purge: bool = False, say: Say = say_on_stderr) -> bool:
    """Stop what `up` started; False when nothing was running. With `purge` also delete the data.

    Raises ServicesError while another process holds a lease, unless `force`.
    """
    home = home or StateDir.of_checkout()
    with home.locked(say):
        state = load(home)
        if state is None:
            if purge:
                home.erase()
            return False
        state.prune_leases()
        if state.leases and not force:
            holders = ", ".join(f"{lease.holder} (process {lease.process.pid})" for lease in state.leases)
            raise ServicesError(f"the servers are in use by {holders}: wait for it to end, or use --force")
        backend = open_backend(home, state, say)
        running = any(backend.running(server) for server in state.names)
        take_down(home, state, say)
        if purge:
            backend.erase()
    return running


def named_by_environment(home: StateDir) -> Addresses | None:
    """Give the servers the environment names, where the set lets them stand in for its own."""
    return environment_addresses(read_settings()) if home.takes_environment else None


def open_backend(home: StateDir, state: State, say: Say) -> Backend:
    """Give the means to control this set."""
    return (DebianBackend if state.mode == "debian" else ComposeBackend)(home, state, say)


def log_source(home: StateDir) -> LogSource:
    """Give the logs of the servers that are up, or those that the last ones left behind."""
    state = load(home)
    if state is not None:
        return open_backend(home, state, say_on_stderr)
    files = LogFiles({server: home.log(server) for server in ALL_NAMES})
    if not any(files.last_lines(server, 1) for server in ALL_NAMES):
        raise ServicesError(f"there are no logs in {home.root}: start servers by `warren services up`")
    return files


def names_of(home: StateDir) -> tuple[ServerName, ...]:
    """Give the servers this set has, or had last."""
    state = load(home)
    return ALL_NAMES if state is None else state.names


def bring_up(home: StateDir, say: Say, *, replica: bool = False) -> State:
    """Start what does not run and wait until all is healthy. The caller holds the lock.

    When that fails, what this call started is stopped again.
    """
    state = load(home)
    if state is not None:
        state.prune_leases()
        backend = open_backend(home, state, say)
        if not state.leases and not any(backend.running(server) for server in state.names):
            # Left over from before a reboot or a crash. Nobody knows its ports, so they may be chosen anew.
            take_down(home, state, say)
            state = None
    if state is None:
        state = _new_state(home)
        backend = open_backend(home, state, say)
    if replica:
        state.with_replica()
    started: list[ServerName] = []
    try:
        for server in state.names:
            if not backend.running(server):
                started.append(server)
                if server == REPLICA:
                    wait_healthy("postgres", state.addresses, backend)  # it begins as a copy
                backend.start(server)
        for server in state.names:
            if started:
                say(f"waiting for {server}")
            wait_healthy(server, state.addresses, backend)
    except BaseException:
        for server in started:
            backend.stop(server)
        if len(started) == len(state.names) and not state.leases:
            forget(home)
        raise
    save(home, state)
    return state


def take_down(home: StateDir, state: State, say: Say) -> None:
    """Stop every server of the set and forget it. The caller holds the lock."""
    backend = open_backend(home, state, say)
    for server in reversed(state.names):
        if backend.running(server):
            say(f"stopping {server}")
        backend.stop(server)
    forget(home)


def _new_state(home: StateDir) -> State:
    settings = read_settings()
    ports = reserve_ports(home.root)
    return State(
        mode=_choose(settings),
        suite=settings.debian_suite,
        ports=ports,
        addresses=Addresses.on_loopback(ports),
    )


def _choose(settings: Settings) -> OwnMode:
    """Say where servers of our own come from."""
    if settings.services_mode != "auto":
        return settings.services_mode
    return "compose" if engine_answers() else "debian"
