"""A child of the demo that ends with it, also where the demo was killed and could tell nobody."""

from __future__ import annotations

import os
import signal
import threading
import time

GRACE_SECONDS = 10.0
"""A child that has not ended so long after it lost its parent is killed."""


def end_with_parent() -> None:
    """From now on end this process, and what it has started, when standard input ends.

    The parent holds the other end of that pipe and writes nothing, so it ends when the parent does, in whatever way.
    """
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)
