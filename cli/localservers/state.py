"""What is known of a set of servers between commands: one JSON file, replaced whole."""

from pydantic import BaseModel, ConfigDict, ValidationError

from cli.localservers.addresses import Addresses
from cli.localservers.errors import ServicesError
from cli.localservers.names import ALL_NAMES, SERVER_NAMES, OwnMode, ServerName
from cli.localservers.places import StateDir
from cli.localservers.ports import Ports
from cli.localservers.processes import ProcessId, is_alive


class ServerProcess(BaseModel):
    """A server in its own pid namespace."""

    model_config = ConfigDict(frozen=True)

    init: ProcessId
    """First process of the namespace: when it dies the kernel ends everything within."""
    server: ProcessId
    """The server itself: takes the signals that ask for a graceful stop."""


class Lease(BaseModel):
    """A process that needs the servers now."""

    model_config = ConfigDict(frozen=True)

    lease_id: str
    holder: str
    process: ProcessId


class State(BaseModel):
    """A set of servers that was started and not stopped."""

    mode: OwnMode
    suite: str
    ports: Ports
    addresses: Addresses
    replica: bool = False
    """Whether PostgreSQL has a replica."""
    servers: dict[ServerName, ServerProcess] = {}
    leases: list[Lease] = []
    pinned: bool = False
    """Whether `services up` asked for them to stay until `services down`."""

    @property
    def names(self) -> tuple[ServerName, ...]:
        """The servers of the set, in the order in which they start."""
        return ALL_NAMES if self.replica else SERVER_NAMES

    def with_replica(self) -> None:
        """Have a replica from now on. Idempotent."""
        self.replica = True
        self.addresses = Addresses.on_loopback(self.ports, replica=True)

    def prune_leases(self) -> None:
        """Forget the leases of processes that died without giving them back."""
        self.leases = [lease for lease in self.leases if is_alive(lease.process)]


def load(home: StateDir) -> State | None:
    """Read the state; None when no servers were started since the last stop."""
    try:
        return State.model_validate_json(home.state_file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ServicesError(
            f"{home.state_file} is not readable by this version of Warren: end the processes it lists, then delete it"
        ) from error


def save(home: StateDir, state: State) -> None:
    """Replace the state file, atomically."""
    draft = home.state_file.with_suffix(".new")
    draft.write_text(state.model_dump_json(indent=1))
    draft.replace(home.state_file)


def forget(home: StateDir) -> None:
    """Remove the state file. Idempotent."""
    home.state_file.unlink(missing_ok=True)
