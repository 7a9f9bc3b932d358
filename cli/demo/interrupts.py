"""Ctrl-C and SIGTERM: the first asks the demo to end in good order, a second one to hurry."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

R = TypeVar("R")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Takes the signals over for the rest of this process's life.

    While `run` runs, they cancel it once and then set `hurry`. Outside of it they raise KeyboardInterrupt, until
    `finish`, after which they do nothing: what must not stay behind is then being cleared away.
    """

    def __init__(self) -> None:
        self.hurry = asyncio.Event()
        self.asked = False
        self._finishing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[Any] | None = None
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def run(self, work: Coroutine[Any, Any, R]) -> R | None:
        """Run `work` in an event loop of its own; None where a signal ended it."""
        try:
            return asyncio.run(self._supervised(work))
        except asyncio.CancelledError:
            if self.asked:
                return None
            raise
        finally:
            self._loop = self._main = None

    def finish(self) -> None:
        """From now on no signal does anything."""
        self._finishing = True

    async def _supervised(self, work: Coroutine[Any, Any, R]) -> R:
        self._main = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        return await work

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's form
        if self._finishing:
            return
        if self._loop is None:
            self.asked = True
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._ask)

    def _ask(self) -> None:
        if self.asked:
            self.hurry.set()
        elif self._main is not None:
            self.asked = True
            self._main.cancel()
