"""A consumer group's member as a FastStream subscriber: one task and one connection per partition.

FastStream's own `consume` swallows a handler's exceptions, which on a log would skip the message. Here
`process_message` is called and what it raises decides: the partition is joined anew from the last position after a
pause, for ever, unless joining again cannot help.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from faststream.exceptions import FeatureNotSupportedException
from faststream.message import StreamMessage

from pipelines.engine.broker._compat import CallsCollection, SubscriberUsecase
from pipelines.engine.broker.config import StreamBrokerConfig, StreamSubscriberConfig
from pipelines.engine.broker.message import decode_batch, parse_batch
from pipelines.engine.broker.specification import StreamSubscriberSpecification
from pipelines.engine.telemetry import metrics
from pipelines.engine.transport import Batch, GroupConsumer, partition_count
from schemas.errors import EventsLost, StreamError, StreamUnavailable
from schemas.streams import partition_name

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


@dataclass(slots=True)
class PartitionState:
    """How a partition fares here. `stopped` says it needs a human."""

    consumer: GroupConsumer
    stopped: bool = False
    error: Exception | None = None

    @property
    def trouble(self) -> str | None:
        """The last error while it lasts: a lost connection until the group is joined again, others until a batch."""
        if self.error is None or (isinstance(self.error, StreamUnavailable) and self.consumer.joined):
            return None
        return f"{type(self.error).__name__}: {self.error}"


class StreamSubscriber(SubscriberUsecase[Batch]):
    """Serves one handler with the batches of the partitions this process owns."""

    _outer_config: StreamBrokerConfig

    def __init__(
        self,
        config: StreamSubscriberConfig,
        specification: StreamSubscriberSpecification,
        calls: CallsCollection[Batch],
    ) -> None:
        config.parser = parse_batch
        config.decoder = decode_batch
        super().__init__(config, specification, calls)  # type: ignore[arg-type]
        self._config = config
        self._tasks: list[asyncio.Task[None]] = []
        self.partitions: dict[int, PartitionState] = {}
        self.failure: Exception | None = None
        """What ended the whole subscriber, where something did."""

    async def start(self) -> None:
        """Begin to join the group; returns at once, the broker may still be away."""
        await super().start()
        self._post_start()
        self._tasks.append(asyncio.create_task(self._join_all(), name=f"{self._config.group} members"))

    async def stop(self) -> None:
        """Leave the group. The batch in hand may finish within the graceful time-out. Idempotent."""
        await super().stop()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    @property
    def is_healthy(self) -> bool:
        """No partition is in trouble or stopped, and the group could be joined."""
        joined = bool(self.partitions) and self.failure is None
        return joined and not any(state.stopped or state.trouble for state in self.partitions.values())

    async def get_one(self, *, timeout: float = 5) -> StreamMessage[Batch] | None:  # noqa: ARG002
        """Refused: a position belongs to a handler's transaction."""
        raise FeatureNotSupportedException("a stream is read by handlers, or by read_stream of the transport")

    def __aiter__(self) -> AsyncIterator[StreamMessage[Batch]]:
        """Refused, as `get_one`."""
        raise FeatureNotSupportedException("a stream is read by handlers, or by read_stream of the transport")

    def get_log_context(self, message: StreamMessage[Batch] | None) -> dict[str, str]:
        """Return what a log line says of a message."""
        return {"stream": self._config.super_stream, "message_id": getattr(message, "message_id", "")}

    def _make_response_publisher(self, message: StreamMessage[Batch]) -> Iterable[Any]:  # noqa: ARG002
        return ()

    async def _join_all(self) -> None:
        count = await self._partition_count()
        address, config = self._outer_config.address, self._config
        for partition in range(count):
            self.partitions[partition] = PartitionState(
                GroupConsumer(
                    address,
                    partition_name(config.super_stream, partition),
                    partition=partition,
                    super_stream=config.super_stream,
                    group=config.group,
                    positions=config.positions,
                    batch_records=config.batch_records,
                )
            )
        for partition in self.partitions:
            self._tasks.append(asyncio.create_task(self._serve(partition), name=f"{config.group} {partition}"))

    async def _partition_count(self) -> int:
        pause, config = _FIRST_PAUSE, self._config
        while self.running:
            try:
                return await partition_count(self._outer_config.url, config.super_stream, config.partitions)
            except StreamError as error:
                log.warning("%s; trying again in %.1f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise asyncio.CancelledError

    async def _serve(self, partition: int) -> None:
        state = self.partitions[partition]
        pause = _FIRST_PAUSE

        async def handle(batch: Batch) -> None:
            nonlocal pause
            if not self.running:
                await asyncio.Event().wait()  # stopping: nothing new begins, and the cancellation is on its way
            await self.process_message(batch)
            state.error, pause = None, _FIRST_PAUSE

        # A cancellation may be swallowed inside the client library, so the loop also ends by itself.
        while self.running and self.failure is None:
            try:
                await state.consumer.run(handle)
            except EventsLost as error:
                self._mark_stopped(partition, error)
                return
            except self._config.stop_on as error:
                self._mark_stopped(partition, error)
                self._stop_everything(error)
                return
            except Exception as error:
                state.error = error
                log.warning("partition %d: %s; joining again in %.1f s", partition, state.trouble, pause)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # so that members do not come back in step
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _mark_stopped(self, partition: int, error: Exception) -> None:
        state = self.partitions[partition]
        state.error, state.stopped = error, True
        metrics.STOPPED.labels(self._config.group, str(partition)).set(1)
        log.critical("partition %d stopped: %s", partition, error)

    def _stop_everything(self, error: Exception) -> None:
        self.failure = error
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        app = self._outer_config.context.get("app")
        if app is not None:
            app.exit()
