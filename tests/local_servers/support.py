"""What several of these tests need."""

from pathlib import Path

from cli.localservers import Addresses, StateDir
from cli.localservers.health import why_unhealthy
from cli.localservers.names import SERVER_NAMES
from cli.localservers.ports import Ports
from cli.localservers.processes import ProcessId, descendants, identify, is_alive
from cli.localservers.state import State, load


def quiet(message: str) -> None:
    """Take progress and drop it."""


def known_state(home: StateDir) -> State:
    state = load(home)
    assert state is not None
    return state


def processes_of(home: StateDir) -> list[ProcessId]:
    """List every process in the set's namespaces. Empty under Compose, whose processes are Docker's."""
    pids = []
    for server in known_state(home).servers.values():
        pids += [server.init.pid, *descendants(server.init.pid)]
    return [process for pid in pids if (process := identify(pid))]


def all_healthy(addresses: Addresses) -> bool:
    return all(why_unhealthy(server, addresses) is None for server in SERVER_NAMES)


def none_answers(addresses: Addresses) -> bool:
    return all(why_unhealthy(server, addresses) is not None for server in SERVER_NAMES)


def ended(processes: list[ProcessId]) -> bool:
    return not any(is_alive(process) for process in processes)


def listening_addresses(ports: Ports) -> set[str]:
    """Give the local addresses, as the kernel writes them, on which anything listens on one of these ports."""
    wanted = {f"{port:04X}" for port in ports.model_dump().values()}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path("/proc/net", table).read_text().splitlines()[1:]:
            address, port = row.split()[1].split(":")
            if row.split()[3] == "0A" and port in wanted:
                found.add(address)
    return found
