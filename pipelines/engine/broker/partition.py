"""One partition of a subscriber: joined, served, and joined anew after whatever went wrong, for ever.

Nothing here skips a record. What a handler raises, or a lost connection, ends the reading; after a pause it begins
again where it stopped. Only three things end it for good: the policy says stop, the handler asks for it, or the
records to go on from are not there: retention removed them, or it is another stream.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from faststream.exceptions import StopConsume

from pipelines.engine.broker.config import OnError
from pipelines.engine.transport import Batch
from schemas.errors import EventsLost, GroupStuck, StreamReplaced, WarrenError, told

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0

Work = Callable[["Partition", Batch], Awaitable[None]]


class Ended(Exception):
    """The subscriber is to stop; `error` is why, None where a handler asked for it."""

    def __init__(self, error: Exception | None, *, application: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.application = application


class Partition(ABC):
    """How a partition fares here. `stopped` says it needs a human."""

    def __init__(self, number: int, stream: str, *, work: Work, on_error: OnError, stall_after: float) -> None:
        self.number = number
        self.stream = stream
        self.stopped = False
        self.error: Exception | None = None
        self.position: int | None = None
        """The offset of the first record no handler has done; None until it is known."""
        self._work = work
        self._on_error = on_error
        self._stall_after = stall_after
        self._in_hand_since: float | None = None
        self._batch_failed = False
        self._pause = FIRST_PAUSE

    @property
    @abstractmethod
    def joined(self) -> bool:
        """Whether the broker serves this reader; in a group, as the active member or one that stands by."""

    @property
    def standing_by(self) -> bool:
        """Whether another reader has the partition, and this one waits to take its place."""
        return False

    @abstractmethod
    async def _join(self, handle: Callable[[Batch], Awaitable[None]]) -> None:
        """Read and hand over until something goes wrong."""

    @property
    def trouble(self) -> str | None:
        """Why records do not take effect here; None while they do.

        An error of a handler, or of what keeps the position, counts until a batch was done, here or by whoever has the
        partition now, any other until the stream is joined again, a batch in hand from `stall_after` seconds on.
        """
        regained = self.joined and (self.standing_by or not self._batch_failed)
        if self.error is not None and not regained:
            return told(self.error)
        if self._in_hand_since is not None and (age := time.monotonic() - self._in_hand_since) > self._stall_after:
            return f"the batch from offset {self.position} has been in hand for {age:.0f} s"
        return None

    @property
    def is_healthy(self) -> bool:
        """Joined and without trouble."""
        return self.joined and self.trouble is None

    async def serve(self, running: Callable[[], bool], lock: AbstractContextManager[Any]) -> None:
        """Read while `running`, through all that goes wrong. Returns where the records to go on from are not there.

        `lock` is held until what was in hand is counted, so that whoever stops can wait for that.

        Raises:
            Ended: the whole subscriber is to stop.
        """

        async def handle(batch: Batch) -> None:
            if not running():
                await asyncio.Event().wait()  # stopping: nothing new begins, and the cancellation is on its way
            with lock:
                await self._handle(batch)

        # A cancellation may be swallowed inside the client library, so the loop also ends by itself.
        while running():
            try:
                await self._join(handle)
            except Ended as end:
                self.error, self.stopped = end.error, end.error is not None
                raise
            except (EventsLost, StreamReplaced) as error:
                self.error, self.stopped = error, True
                log.critical("%s stopped: %s", self.stream, told(error))
                return
            except asyncio.CancelledError:
                if _being_cancelled():
                    raise
                self._note(_foreign("joining"))
            except Exception as error:
                self._note(error)
            pause = self.error.retry_after_s if isinstance(self.error, GroupStuck) else self._pause
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # so that members do not come back in step
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _handle(self, batch: Batch) -> None:
        self.position = batch.first_offset
        self._in_hand_since = time.monotonic()
        try:
            await self._call(batch)
        except (StopConsume, SystemExit) as end:
            await self._progressed_despite(end)
            raise Ended(None, application=isinstance(end, SystemExit)) from end
        except Exception as error:
            self._batch_failed = True
            await self._progressed_despite(error)
            policy = self._on_error if isinstance(self._on_error, str) else self._on_error(error)
            if policy == "stop":
                raise Ended(error, application=True) from error
            raise
        finally:
            self._in_hand_since = None
        self._batch_failed = True  # until it is known to count as done
        await self._progressed()
        self.error, self._batch_failed, self._pause = None, False, FIRST_PAUSE

    async def _call(self, batch: Batch) -> None:
        try:
            await self._work(self, batch)
        except asyncio.CancelledError as error:
            if _being_cancelled():
                raise
            raise _foreign("the handler") from error

    async def _progressed_despite(self, first: BaseException) -> None:
        """Like `_progressed`; where that fails too, it is told, and what the handler raised still decides."""
        try:
            await self._progressed()
        except Exception as second:
            log.warning("%s: %s; its position was not stored: %s", self.stream, told(first), told(second))

    async def _progressed(self) -> None:  # noqa: B027 - memory is enough where there is no group
        """Keep the position where it outlives this process."""

    def _note(self, error: Exception) -> None:
        new = str(error) != str(self.error)
        self.error = error
        # Errors raised on purpose say all in a line; of others the way to them is worth showing, once.
        trace = error if new and not isinstance(error, WarrenError) else None
        again = "" if isinstance(error, GroupStuck) else f"; joining again in {self._pause:.1f} s"
        log.warning("%s: %s%s", self.stream, told(error), again, exc_info=trace)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _foreign(what: str) -> Exception:
    """What is made of a CancelledError while nobody cancels us: as one it would end the partition without a word."""
    return RuntimeError(f"{what} ended with a CancelledError that nobody asked for: what it awaited was cancelled")
