"""Where the demo's board listens and its children's logs are."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from cli.localservers import StateDir
from pipelines.engine.settings import Settings

LOGS_KEPT = 5
"""Logs of the newest demos of this checkout are kept; older ones are deleted when the next one starts."""


def log_folder(run: str) -> Path:
    """Make and return the folder for the logs of one run."""
    home = StateDir.of_checkout().root / "demo"
    home.mkdir(parents=True, exist_ok=True)
    older = sorted((path for path in home.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in older[: -(LOGS_KEPT - 1)]:
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
