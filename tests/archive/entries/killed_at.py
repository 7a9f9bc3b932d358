"""`warren archive` that kills itself at the Nth of its steps: N, then the command's arguments."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cli import archive
from cli.main import main
from pipelines.edges.archive.progress import Step, Told
from tests.archive.support import SMALL


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

    archive._shown = shown  # type: ignore[assignment]


if __name__ == "__main__":
    for module, name, small in SMALL:
        setattr(module, name, small)
    _die_at(int(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
