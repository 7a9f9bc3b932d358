"""Brokers of a test's own, alone or as a cluster, with settings of its own; the test may kill them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cli.localservers import ServicesError, rabbitmq
from cli.localservers.names import say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.ports import Ports, is_free, reserve_ports
from cli.localservers.processes import send, wait_ended
from cli.localservers.rootfs import ensure_rootfs, servers_recipe
from cli.localservers.sandbox import Program, launch, run_to_end
from cli.localservers.state import ServerProcess, load

SUITE = "trixie"


class Node:
    """One broker on loopback ports, from `start` until `kill`."""

    def __init__(self, folder: Path, rootfs: Path, *, epmd: int | None = None) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "log"
        self._conf = folder / "conf"
        self._data = folder / "data"
        self.ports: Ports = reserve_ports(folder)
        self.program: Program = rabbitmq.program(rootfs, self._data, self._conf, self.ports)
        # Nodes of one cluster find each other through one epmd, and know each other by one cookie.
        environment = {**self.program.environment, "ERL_EPMD_PORT": str(epmd or self.ports.epmd)}
        self.program = replace(self.program, environment=environment)
        cookie = self._data / ".erlang.cookie"
        cookie.write_text("WARRENTESTS")
        cookie.chmod(0o400)
        self._process: ServerProcess | None = None

    @property
    def name(self) -> str:
        """The Erlang node's name."""
        return self.program.environment["RABBITMQ_NODENAME"]

    @property
    def spare_port(self) -> int:
        """A port that is this node's and not in use: it has no database."""
        return self.ports.postgres

    @property
    def url(self) -> str:
        """Where its stream listener is."""
        return f"rabbitmq-stream://guest:guest@127.0.0.1:{self.ports.stream}/%2f"

    def configure(self, settings: dict[str, object], files: dict[str, bytes] | None = None) -> None:
        """Add settings, and files that the broker sees in /conf."""
        with (self._conf / "rabbitmq.conf").open("a") as conf:
            conf.writelines(f"{key} = {value}\n" for key, value in settings.items())
        for name, data in (files or {}).items():
            (self._conf / name).write_bytes(data)
            (self._conf / name).chmod(0o644)

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        self._process = launch(self.program, self._log)

    def wait_healthy(self, members: int = 1) -> None:
        """Wait until it listens for streams and knows so many running nodes of its cluster."""
        deadline = time.monotonic() + 120
        while not self._healthy(members):
            assert time.monotonic() < deadline, f"{self.name} does not come up: {self._log.read_text()[-2000:]}"
            time.sleep(0.1)

    def wait_epmd(self) -> None:
        """Wait until other nodes can find this one."""
        deadline = time.monotonic() + 60
        while is_free(self.ports.epmd):
            assert time.monotonic() < deadline, f"no epmd: {self._log.read_text()[-2000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once. Idempotent."""
        if self._process is not None:
            send(self._process.init, signal.SIGKILL)
            wait_ended(self._process.init, 10)
            self._process = None

    def _healthy(self, members: int) -> bool:
        with contextlib.suppress(OSError, httpx.HTTPError):
            with socket.create_connection(("127.0.0.1", self.ports.stream), 5):
                pass
            url = f"http://127.0.0.1:{self.ports.management}/api/nodes"
            answer = httpx.get(url, auth=("guest", "guest"), timeout=5, trust_env=False)
            return answer.is_success and sum(node["running"] for node in answer.json()) == members
        return False


@contextmanager
def nodes(folder: Path, count: int) -> Iterator[list[Node]]:
    """Give nodes, not started yet and to be one cluster if there are several; end them afterwards.

    Where Debian's packages cannot be had, skip locally and fail in CI.
    """
    try:
        rootfs = ensure_rootfs(servers_recipe(SUITE), SUITE, say_on_stderr)
    except (ServicesError, OSError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no broker of its own: {error}")
    made: list[Node] = []
    for number in range(count):
        epmd = made[0].ports.epmd if made else None
        made.append(Node(folder / f"node{number}", rootfs, epmd=epmd))
    try:
        yield made
    finally:
        for node in made:
            node.kill()


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[list[Node]]:
    """Give a running cluster. The first node's epmd serves all, so that one is not to be killed."""
    with nodes(folder, count) as made:
        peers: dict[str, object] = {"cluster_formation.peer_discovery_backend": "classic_config"}
        peers |= {f"cluster_formation.classic_config.nodes.{place}": node.name for place, node in enumerate(made, 1)}
        for node in made:
            node.configure(peers)
        made[0].start()
        made[0].wait_epmd()
        for node in made[1:]:
            node.start()
        for node in made:
            node.wait_healthy(count)
        yield made


def broker_command(servers: str, arguments: Sequence[str]) -> None:
    """Run rabbitmqctl at the broker of this checkout's further set of servers. Skips where they are not Debian's."""
    home = StateDir.of_checkout(servers)
    state = load(home)
    if state is None or state.mode != "debian":
        pytest.skip("rabbitmqctl is at hand for Debian's packages only")
    rootfs = ensure_rootfs(servers_recipe(state.suite), state.suite, say_on_stderr)
    server = rabbitmq.program(rootfs, home.data(state.suite, "rabbitmq"), home.conf / "rabbitmq", state.ports)
    node = server.environment["RABBITMQ_NODENAME"]
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--node", node, *arguments]
    run_to_end(replace(server, command=command), home.log("rabbitmq").with_name("rabbitmqctl.log"))
