"""`warren run` whose HTTP server also tells, under /watch, what the process holds."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
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
    """Return the open files by kind, the tasks by what they run, and the resident memory in MB."""
    gc.collect()
    tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    files: Counter[str] = Counter()
    for link in Path("/proc/self/fd").iterdir():
        try:
            files[str(link.readlink()).partition(":")[0]] += 1
        except OSError:
            continue  # the one this look itself has opened
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"files": files, "tasks": tasks, "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6}


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
