"""Reading the servers' log files."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.localservers.names import ServerName

ROTATE_AT = 20_000_000


def last_lines(log: Path, count: int) -> list[str]:
    """Give the last lines of a log that have something in them; none if there is no log."""
    if count <= 0 or not log.exists():
        return []
    with log.open(errors="replace") as file:
        return list(deque((line.rstrip() for line in file if line.strip()), maxlen=count))


def open_log(log: Path) -> None:
    """Make sure the log's folder is there, and put a log that has grown large aside as `.1`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > ROTATE_AT:
        log.replace(log.with_name(log.name + ".1"))


class LogFiles:
    """The logs of a set of servers that write to files."""

    def __init__(self, files: dict[ServerName, Path]) -> None:
        self._files = files

    def last_lines(self, server: ServerName, count: int) -> list[str]:
        return last_lines(self._files[server], count)

    def follow(self, servers: Iterable[ServerName]) -> Iterator[tuple[ServerName, str]]:
        """Give each line written from now on, for ever. A log that is put aside is followed in its new file."""
        return self._follow({server: _size(self._files[server]) for server in servers})

    def _follow(self, ends: dict[ServerName, int]) -> Iterator[tuple[ServerName, str]]:
        while True:
            for server, end in ends.items():
                log = self._files[server]
                start = end if _size(log) >= end else 0
                whole = _whole_lines(log, start)
                ends[server] = start + len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    yield server, line
            time.sleep(0.2)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _whole_lines(log: Path, start: int) -> bytes:
    """Read from a position up to the last line that is finished."""
    if _size(log) == start:
        return b""
    with log.open("rb") as file:
        file.seek(start)
        text = file.read()
    return text[: text.rfind(b"\n") + 1]
