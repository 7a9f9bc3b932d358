"""Where the demo's board listens and its files are."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from cli.localservers import StateDir
from pipelines.engine.settings import Settings

LOGS_KEPT = 5
"""Logs of so many demos of this checkout are kept, beside those of demos that play now."""


def demos_folder() -> Path:
    """Return the folder with a folder for each demo of this checkout; it may not be there yet."""
    return StateDir.of_checkout().root / "demo"


def run_folder(run: str, busy: str) -> Path:
    """Make and return the folder of one run; the oldest are deleted, but none with a file named `busy`."""
    home = demos_folder()
    home.mkdir(parents=True, exist_ok=True)
    done = [path for path in home.iterdir() if path.is_dir() and not (path / busy).exists()]
    done.sort(key=lambda path: path.stat().st_mtime)
    for path in done[: 1 - LOGS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    folder = home / run
    folder.mkdir()
    return folder


def board_port(settings: Settings) -> int:
    """Return the port the settings name, or 0, any free one, where somebody else, another demo say, listens there."""
    family = socket.AF_INET6 if ":" in settings.board_host else socket.AF_INET
    try:
        socket.create_server((settings.board_host, settings.board_port), family=family).close()
    except OSError:
        return 0
    return settings.board_port
