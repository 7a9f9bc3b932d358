"""Ports for a set of servers, the same ones at every start as far as possible."""

import json
import random
import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cli.localservers.errors import ServicesError
from cli.localservers.filelock import file_lock
from cli.localservers.places import cache_dir

# Below the range the kernel takes outgoing connections' ports from: one of those would block a restart.
LOWEST, HIGHEST = 20_000, 32_000


class Ports(BaseModel):
    """Loopback ports of one set of servers."""

    model_config = ConfigDict(frozen=True)

    stream: int
    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int
    postgres: int
    replica: int
    redis: int


def reserve_ports(owner: Path) -> Ports:
    """Give `owner` (a state folder) its ports: those of last time that are still free, else new ones.

    All checkouts of this user know the reservation, so two that start at once cannot pick the same.
    """
    register = cache_dir() / "ports.json"
    with file_lock(cache_dir() / "ports.lock"):
        known = _read(register)
        previous = known.pop(str(owner), {})
        taken = {port for ports in known.values() for port in ports.values()}
        ports: dict[str, int] = {}
        for use in Ports.model_fields:
            port = previous.get(use)
            if port is None or port in taken or not is_free(port):
                port = _pick(taken)
            ports[use] = port
            taken.add(port)
        known[str(owner)] = ports
        draft = register.with_suffix(".new")
        draft.write_text(json.dumps(known, indent=1))
        draft.replace(register)
    return Ports(**ports)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port. Connections still closing there do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read(register: Path) -> dict[str, dict[str, int]]:
    """Read the reservations of state folders that still exist."""
    if not register.exists():
        return {}
    known: dict[str, dict[str, int]] = json.loads(register.read_text())
    return {owner: ports for owner, ports in known.items() if Path(owner).is_dir()}


def _pick(taken: set[int]) -> int:
    for port in random.sample(range(LOWEST, HIGHEST), 2_000):
        if port not in taken and is_free(port):
            return port
    raise ServicesError(f"no free port between {LOWEST} and {HIGHEST} on 127.0.0.1: close some listeners")
