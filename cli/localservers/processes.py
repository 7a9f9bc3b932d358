"""Processes known by pid and start time, so that a reused pid is never taken for ours."""

import os
import select
import signal
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PROC = Path("/proc")


class ProcessId(BaseModel):
    """One process for all time: pids come back after reboots and wrap-arounds, start times do not."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: str


def identify(pid: int) -> ProcessId | None:
    """Name a running process; None when there is none or it has ended and only waits to be reaped."""
    started = _started_in_proc(pid) if PROC.joinpath("self").exists() else _started_by_ps(pid)
    return None if started is None else ProcessId(pid=pid, started=started)


def is_alive(process: ProcessId) -> bool:
    return identify(process.pid) == process


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # The handle pins the process, so it cannot be replaced between this check and the signal.
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_ended(process: ProcessId, timeout_s: float) -> bool:
    """Wait until this process has ended; False when it still runs after `timeout_s`."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(process):
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(handle)


def descendants(pid: int) -> list[int]:
    """List children, grandchildren and so on. Of a namespace's init that is the whole namespace."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = sorted(children.get(queue.pop(), []))
        found += below
        queue += below
    return found


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP has taken hold, or the process is gone so that it need not."""
    stat = _stat(pid)
    return stat is None or stat[0] in "TtZX"


def _stat(pid: int) -> list[str] | None:
    """Read the fields from the state on: state, parent, ...; the start time is the 20th of them."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name before it may itself hold spaces and parentheses.
    return text.rpartition(")")[2].split()


def _started_in_proc(pid: int) -> str | None:
    stat = _stat(pid)
    if stat is None or stat[0] in "ZX":
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{stat[19]}@{boot}"


def _started_by_ps(pid: int) -> str | None:
    """Ask ps: systems without /proc still hold leases on servers that run in Compose."""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return " ".join(answer.stdout.split()) or None
