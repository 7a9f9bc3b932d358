"""Which folders belong to a set of servers, and which to every checkout of this user."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.localservers.errors import ServicesError
from cli.localservers.filelock import file_lock
from cli.localservers.names import Say, ServerName
from cli.localservers.settings import read_settings

FOLDERS = ("conf", "data", "logs")


@dataclass(frozen=True)
class StateDir:
    """The folder of one set of servers: its state, settings, data and logs. Sets share nothing in it."""

    root: Path
    takes_environment: bool = False
    """Whether servers named by the environment stand in for this set; never for one that is made to be killed."""

    @classmethod
    def of_checkout(cls, name: str | None = None) -> "StateDir":
        """Give this checkout's set, or its further set `name` (such as "faults") with servers of its own."""
        base = (read_settings().state_dir or checkout() / ".warren").absolute()
        if name is None:
            return cls(base, takes_environment=True)
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name) or name in FOLDERS:
            raise ServicesError(f"{name!r} cannot name a set of servers: use up to 31 of a-z, 0-9, - and _")
        return cls(base / name)

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    @property
    def conf(self) -> Path:
        return self.root / "conf"

    def data(self, suite: str, server: ServerName) -> Path:
        """Give a server's data folder, one per suite: an older server cannot read a newer one's data."""
        return self.root / "data" / suite / server

    def log(self, server: ServerName) -> Path:
        return self.root / "logs" / f"{server}.log"

    @contextmanager
    def locked(self, say: Say) -> Iterator[None]:
        """Be the only process that changes this set."""
        self.root.mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        waiting = "waiting for another process that starts or stops these servers"
        with file_lock(self.root / "lock", lambda: say(waiting)):
            yield

    def erase(self) -> None:
        """Delete data, logs and settings. The caller has stopped the servers and holds the lock."""
        for folder in FOLDERS:
            shutil.rmtree(self.root / folder, ignore_errors=True)


def checkout() -> Path:
    """Give the checkout this file belongs to, or the current folder when Warren is installed as a package."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def cache_dir() -> Path:
    """Give the folder, made if need be, that all checkouts of this user share."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "warren"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
