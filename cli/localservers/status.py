"""How a set of servers is doing, without changing anything."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.localservers.addresses import Addresses
from cli.localservers.health import why_unhealthy
from cli.localservers.lifecycle import named_by_environment
from cli.localservers.names import SERVER_NAMES, Mode, ServerName
from cli.localservers.places import StateDir
from cli.localservers.state import load


@dataclass(frozen=True)
class ServerStatus:
    """One server: where it is, and why it is not healthy if it is not."""

    name: ServerName
    address: str | None
    reason: str | None

    @property
    def healthy(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class SetStatus:
    """One set of servers and who keeps it up."""

    mode: Mode | None
    addresses: Addresses | None
    servers: list[ServerStatus]
    holders: list[str]
    pinned: bool

    @property
    def healthy(self) -> bool:
        return all(server.healthy for server in self.servers)


def status(home: StateDir | None = None) -> SetStatus:
    """Ask each server whether it is healthy. Takes seconds at most; waits for no lock."""
    home = home or StateDir.of_checkout()
    if named := named_by_environment(home):
        return SetStatus("environment", named, _ask(named), [], pinned=False)
    state = load(home)
    if state is None:
        stopped = [ServerStatus(server, None, "not started") for server in SERVER_NAMES]
        return SetStatus(None, None, stopped, [], pinned=False)
    state.prune_leases()
    holders = [f"{lease.holder} (process {lease.process.pid})" for lease in state.leases]
    return SetStatus(state.mode, state.addresses, _ask(state.addresses), holders, state.pinned)


def _ask(addresses: Addresses) -> list[ServerStatus]:
    urls: dict[ServerName, str] = {
        "rabbitmq": addresses.stream_url,
        "postgres": addresses.postgres_dsn,
        "redis": addresses.redis_url,
    }
    if addresses.postgres_read_dsn is not None:
        urls["replica"] = addresses.postgres_read_dsn
    return [
        ServerStatus(server, urlsplit(url).netloc.rpartition("@")[2], why_unhealthy(server, addresses))
        for server, url in urls.items()
    ]
