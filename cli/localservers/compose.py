"""Servers from Docker Compose."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from hashlib import sha256

from cli.localservers import postgres, rabbitmq
from cli.localservers.errors import ServicesError
from cli.localservers.names import ALL_NAMES, Say, ServerName
from cli.localservers.places import StateDir, checkout
from cli.localservers.ports import Ports
from cli.localservers.state import State

INSIDE = Ports(
    stream=5552,
    amqp=5672,
    management=15672,
    prometheus=15692,
    distribution=25672,
    epmd=4369,
    postgres=5432,
    replica=5432,
    redis=6379,
)
"""Where the servers listen within their containers."""


def engine_answers() -> bool:
    """Whether a Docker engine answers and has Compose."""
    if shutil.which("docker") is None:
        return False
    try:
        return all(
            subprocess.run(
                ["docker", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=15, check=False
            ).returncode
            == 0
            for words in (["info"], ["compose", "version"])
        )
    except subprocess.TimeoutExpired:
        return False


class ComposeBackend:
    """One Compose project per set of servers; Docker itself remembers what runs."""

    def __init__(self, home: StateDir, state: State, say: Say) -> None:
        self._home = home
        self._say = say
        self._ports = state.ports
        file = checkout() / "deploy" / "local" / "compose.yaml"
        if not file.is_file():
            raise ServicesError(f"{file} is missing: work in a checkout of Warren, or set WARREN_SERVICES_MODE=debian")
        project = f"warren-{sha256(str(home.root).encode()).hexdigest()[:8]}"
        self._command = ["docker", "compose", "--file", str(file), "--project-name", project]

    def start(self, server: ServerName) -> None:
        self._say(f"starting {server} (its image is downloaded the first time)")
        conf = self._home.conf
        rabbitmq.write_conf(conf / "rabbitmq", listen="0.0.0.0", inside=INSIDE, outside=self._ports)
        # Loopback is Docker's to keep: ports are published on 127.0.0.1 only.
        postgres.write_conf(
            conf / "postgres", listen="*", port=INSIDE.postgres, sockets="/var/run/postgresql", trusted="all"
        )
        self._compose("up", "--detach", "--no-deps", server)

    def stop(self, server: ServerName) -> None:
        self._compose("unpause", server, check=False)
        self._compose("stop", server)

    def kill(self, server: ServerName) -> None:
        self._compose("kill", server)

    def pause(self, server: ServerName) -> None:
        self._compose("pause", server)

    def resume(self, server: ServerName) -> None:
        self._compose("unpause", server)

    def running(self, server: ServerName) -> bool:
        states = [word for state in ("running", "paused") for word in ("--status", state)]
        return bool(self._compose("ps", "--quiet", *states, server, check=False).strip())

    def last_lines(self, server: ServerName, count: int) -> list[str]:
        options = ["--no-color", "--no-log-prefix", "--tail", str(count)]
        return self._compose("logs", *options, server, check=False).splitlines()

    def follow(self, servers: Iterable[ServerName]) -> Iterator[tuple[ServerName, str]]:
        command = [*self._command, "logs", "--follow", "--no-color", "--tail", "0", *servers]
        with subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                prefix, _, text = line.rstrip("\n").partition(" | ")
                for server in ALL_NAMES:
                    if prefix.startswith(server):
                        yield server, text

    def erase(self) -> None:
        self._compose("down", "--volumes")
        self._home.erase()

    def _environment(self) -> dict[str, str]:
        ports = {f"WARREN_PORT_{use.upper()}": str(port) for use, port in self._ports.model_dump().items()}
        return {**os.environ, **ports, "WARREN_CONF_DIR": str(self._home.conf)}

    def _compose(self, *words: str, check: bool = True) -> str:
        command = [*self._command, *words]
        answer = subprocess.run(
            command,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and answer.returncode != 0:
            reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ServicesError(f"docker compose {words[0]} failed: {reason}")
        return answer.stdout
