"""`warren run` whose HTTP server also tells, under /watch, what the process holds."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from cli.main import main
from pipelines.engine.telemetry import serving
from tests.faults.entries.impatient import be_impatient
from tests.faults.entries.stopping_at import wrap

WATCHED = ("tests.faults.entries.watched",)


def _held() -> dict[str, Any]:
    """Return the open files by kind, sockets by the port they are connected to, the tasks by what they run, and the
    resident memory in MB.
    """
    gc.collect()
    tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    files = Counter(kind for link in Path("/proc/self/fd").iterdir() if (kind := _kind(link)) is not None)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"files": files, "tasks": tasks, "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6}


def _kind(link: Path) -> str | None:
    try:
        kind = str(link.readlink()).partition(":")[0]
    except OSError:
        return None  # the one this look itself has opened
    if kind != "socket":
        return kind
    with socket.socket(fileno=os.dup(int(link.name))) as other, suppress(OSError, IndexError):
        return f"socket to {other.getpeername()[1]}"
    return "socket"


def _with_watch(original: Any) -> Any:
    def answer(method: str, path: str, *rest: Any) -> Any:
        if path == "/watch":
            return HTTPStatus.OK, "application/json", orjson.dumps(_held())
        return original(method, path, *rest)

    return answer


if __name__ == "__main__":
    be_impatient()
    wrap(serving, "_answer", _with_watch)
    main()
