"""`warren archive` that kills itself at the Nth of its steps: N, then the command's arguments."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cli import archive
from cli.main import main
from pipelines.edges.archive import rows, writing
from pipelines.edges.archive.progress import Step, Told


def _die_at(number: int) -> None:
    left = number

    @contextmanager
    def shown(*_: object) -> Iterator[Told]:
        def told(_: Step) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        yield told

    archive._shown = shown


if __name__ == "__main__":
    rows.GROUP_ROWS = writing.GROUP_ROWS = 4
    writing.FILE_ROWS = 8
    _die_at(int(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
