"""What a way to run servers must be able to do."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from cli.localservers.names import ServerName


class LogSource(Protocol):
    """Has the servers' logs."""

    def last_lines(self, server: ServerName, count: int) -> list[str]:
        """Give the end of a server's log, without empty lines."""

    def follow(self, servers: Iterable[ServerName]) -> Iterator[tuple[ServerName, str]]:
        """Give each new line of their logs, for ever."""


class Backend(LogSource, Protocol):
    """Runs the servers of one set. Callers hold the set's lock for everything that changes it."""

    def start(self, server: ServerName) -> None:
        """Start it on its ports and data; it may not be ready on return. Nothing happens if it runs."""

    def stop(self, server: ServerName) -> None:
        """Let it end in good order, by force if that takes too long. Nothing happens if it does not run."""

    def kill(self, server: ServerName) -> None:
        """End it and everything it started at once, as a power cut would, disks aside."""

    def pause(self, server: ServerName) -> None:
        """Freeze every process of it. Its connections stay open and silent."""

    def resume(self, server: ServerName) -> None:
        """Let frozen processes go on. Nothing happens if they are not frozen."""

    def running(self, server: ServerName) -> bool:
        """Whether it was started and has not ended. It may be frozen, or not ready yet."""

    def erase(self) -> None:
        """Delete their data and logs. None of them runs."""
