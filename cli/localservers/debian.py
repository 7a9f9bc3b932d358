"""Servers from Debian packages, each in its own pid namespace."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.localservers import postgres, rabbitmq, redis_server, replica
from cli.localservers.errors import ServicesError
from cli.localservers.logs import LogFiles, open_log
from cli.localservers.names import ALL_NAMES, Say, ServerName
from cli.localservers.places import StateDir
from cli.localservers.processes import descendants, is_alive, is_stopped, send, wait_ended
from cli.localservers.rootfs import ensure_rootfs, servers_recipe
from cli.localservers.sandbox import Program, launch
from cli.localservers.state import ServerProcess, State, save

GRACE_S = 30.0
"""How long a server may take to end in good order."""

GRACEFUL = {
    "rabbitmq": signal.SIGTERM,
    # "Fast shutdown": SIGTERM would wait until every client has gone.
    "postgres": signal.SIGINT,
    "replica": signal.SIGINT,
    "redis": signal.SIGTERM,
}


class DebianBackend:
    """Knows its processes by pid and start time only, from the state it is given and keeps up to date."""

    def __init__(self, home: StateDir, state: State, say: Say) -> None:
        self._home = home
        self._state = state
        self._say = say
        self._logs = LogFiles({server: home.log(server) for server in ALL_NAMES})

    def start(self, server: ServerName) -> None:
        if self.running(server):
            return
        self.kill(server)
        suite = self._state.suite
        rootfs = ensure_rootfs(servers_recipe(suite), suite, self._say)
        self._say(f"starting {server}")
        log = self._home.log(server)
        open_log(log)
        self._state.servers[server] = launch(self._program(server, rootfs, log), log)
        # At once: a server that no state file names could never be stopped.
        save(self._home, self._state)

    def stop(self, server: ServerName) -> None:
        process = self._state.servers.get(server)
        if process is not None and send(process.server, GRACEFUL[server]):
            # A frozen server takes the signal only when it thaws.
            self.resume(server)
            wait_ended(process.server, GRACE_S)
        self.kill(server)

    def kill(self, server: ServerName) -> None:
        process = self._state.servers.get(server)
        if process is None:
            return
        # The init outlives its server while a helper such as epmd runs, so it is what must end.
        if send(process.init, signal.SIGKILL) and not wait_ended(process.init, 10):
            raise ServicesError(f"process {process.init.pid} of {server} does not end: look at it with ps")
        del self._state.servers[server]
        save(self._home, self._state)

    def pause(self, server: ServerName) -> None:
        init = self._running(server).init
        deadline = time.monotonic() + 10
        # Repeated, for a process may have forked another before it was frozen itself.
        while moving := [pid for pid in descendants(init.pid) if not is_stopped(pid)]:
            if time.monotonic() > deadline:
                raise ServicesError(f"processes {moving} of {server} do not freeze: look at them with ps")
            _signal_all(moving, signal.SIGSTOP)
            time.sleep(0.005)

    def resume(self, server: ServerName) -> None:
        process = self._state.servers.get(server)
        if process is not None and is_alive(process.init):
            _signal_all(descendants(process.init.pid), signal.SIGCONT)

    def running(self, server: ServerName) -> bool:
        process = self._state.servers.get(server)
        return process is not None and is_alive(process.server)

    def last_lines(self, server: ServerName, count: int) -> list[str]:
        return self._logs.last_lines(server, count)

    def follow(self, servers: Iterable[ServerName]) -> Iterator[tuple[ServerName, str]]:
        return self._logs.follow(servers)

    def erase(self) -> None:
        self._home.erase()

    def _running(self, server: ServerName) -> ServerProcess:
        process = self._state.servers.get(server)
        if process is None or not is_alive(process.server):
            raise ServicesError(f"{server} is not running: start it first")
        return process

    def _program(self, server: ServerName, rootfs: Path, log: Path) -> Program:
        data = self._home.data(self._state.suite, server)
        conf = self._home.conf / server
        ports = self._state.ports
        match server:
            case "rabbitmq":
                return rabbitmq.program(rootfs, data, conf, ports)
            case "postgres":
                return postgres.program(rootfs, data, conf, ports, log)
            case "replica":
                return replica.program(rootfs, data, conf, ports, log)
            case "redis":
                return redis_server.program(rootfs, data, conf, ports)


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
