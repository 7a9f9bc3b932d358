"""How a long-running command is told to stop: once to end in good order, by another Ctrl-C at once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from cli.exit_codes import INTERRUPTED

log = logging.getLogger(__name__)


def on_signals(stop: Callable[[], None]) -> None:
    """From now on SIGTERM and SIGINT call `stop`, in the running event loop; a SIGINT after that ends the process.

    What was under way then is as after a power cut: nothing that had not committed has taken effect.
    """
    loop = asyncio.get_running_loop()

    def told() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        # Not through the loop, which may be what does not go on; and not by an exception, which would wait for it.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        log.info("stopping; another Ctrl-C ends it at once")
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
