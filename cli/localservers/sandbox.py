"""Programs of a private folder, run by bubblewrap in namespaces of their own."""

import json
import os
import resource
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cli.localservers.errors import ServicesError
from cli.localservers.logs import last_lines
from cli.localservers.processes import descendants, identify
from cli.localservers.rootfs import SERVICE_UID
from cli.localservers.state import ServerProcess

OPEN_FILES = 65_536
"""A stream holds several files open; the usual 1024 would run out at a few hundred."""


@dataclass(frozen=True)
class Program:
    """What to run, and what it sees: the folder's /usr and /etc, /data to write, /conf to read, the network."""

    rootfs: Path
    data: Path
    conf: Path
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    refuses_root: bool = False


def run_to_end(program: Program, log: Path) -> None:
    """Run a program that ends by itself. Raises ServicesError with its last lines if it fails."""
    with log.open("ab") as output:
        answer = subprocess.run(
            _bwrap(program, ["--die-with-parent"]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(program),
            check=False,
        )
    if answer.returncode != 0:
        raise ServicesError(f"{program.command[0]} failed: {' | '.join(last_lines(log, 4))} (log: {log})")


def launch(program: Program, log: Path) -> ServerProcess:
    """Start a server that outlives this process and its terminal. It may not be ready yet."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as info:
        try:
            # Forked away so that the server is nobody's child: no signal of our terminal reaches it, and it
            # leaves no zombie behind in a caller that outlives it.
            with log.open("ab") as output:
                subprocess.run(
                    ["setsid", "--fork", *_bwrap(program, ["--info-fd", str(writer)])],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=_environment(program),
                    pass_fds=[writer],
                    check=True,
                )
        finally:
            os.close(writer)
        namespace = info.read()
    started = _await_server(int(json.loads(namespace)["child-pid"])) if namespace else None
    if started is None:
        reason = " | ".join(last_lines(log, 4))
        raise ServicesError(f"{program.command[0]} ended at once: {reason} (log: {log})")
    return started


def _await_server(init_pid: int) -> ServerProcess | None:
    """Wait for the namespace's init to fork the server; None when it ended instead."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (init := identify(init_pid)):
        for pid in descendants(init_pid):
            if server := identify(pid):
                return ServerProcess(init=init, server=server)
        time.sleep(0.005)
    return None


def _bwrap(program: Program, options: list[str]) -> list[str]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    command = ["prlimit", f"--nofile={files}:", *program.command]
    if program.refuses_root and os.geteuid() == 0:
        identity = [f"--reuid={SERVICE_UID}", f"--regid={SERVICE_UID}", "--clear-groups"]
        command = ["setpriv", *identity, *command]
    return [
        *("bwrap", *options),
        # Its own pids: to kill the first is to kill all. Its own shared memory: a killed one leaves none.
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "localhost"),
        *("--ro-bind", str(program.rootfs / "usr"), "/usr", "--ro-bind", str(program.rootfs / "etc"), "/etc"),
        *("--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"),
        *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--tmpfs", "/dev/shm", "--perms", "1777", "--tmpfs", "/tmp"),
        *("--tmpfs", "/run", "--tmpfs", "/var"),
        *("--bind", str(program.data), "/data", "--ro-bind", str(program.conf), "/conf", "--chdir", "/data"),
        *command,
    ]


def _environment(program: Program) -> dict[str, str]:
    """Give the whole environment: nothing of the caller's leaks into a server that outlives it."""
    path = {"PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/bin:/sbin:/bin"}
    return {**path, "HOME": "/data", "LANG": "C.UTF-8", **program.environment}
