"""A stream's reader as a FastStream subscriber: one task and one connection per partition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from faststream.exceptions import FeatureNotSupportedException, SetupError
from faststream.message import StreamMessage

from pipelines.engine.broker._compat import CallsCollection, ContextRepo, SubscriberUsecase
from pipelines.engine.broker.config import StreamBrokerConfig, StreamSubscriberConfig
from pipelines.engine.broker.handling import handle_batch, handle_records
from pipelines.engine.broker.message import Record, StreamBatch, StreamRecord, decode_batch, decode_record
from pipelines.engine.broker.partition import FIRST_PAUSE, LONGEST_PAUSE, Ended, Partition
from pipelines.engine.broker.readers import reader
from pipelines.engine.broker.specification import StreamSubscriberSpecification
from pipelines.engine.transport import Batch, Turns, streams_of
from schemas.errors import told

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Delivered:
    """How far a batch is done of which no partition keeps track."""

    position: int | None = None


class StreamSubscriber(SubscriberUsecase[Any]):
    """Serves its handlers with the records of the partitions this process reads."""

    _outer_config: StreamBrokerConfig

    def __init__(
        self,
        config: StreamSubscriberConfig,
        specification: StreamSubscriberSpecification,
        calls: CallsCollection[Any],
    ) -> None:
        config.parser = self._parse_batch if config.batch else self.parse_record
        config.decoder = decode_batch if config.batch else decode_record
        super().__init__(config, specification, calls)  # type: ignore[arg-type]
        self.config = config
        self._handle = handle_batch if config.batch else handle_records
        self._tasks: list[asyncio.Task[None]] = []
        self._joining: Exception | None = None
        self.partitions: dict[int, Partition] = {}
        self.failure: Exception | None = None
        """What ended the whole subscriber, where something did."""
        self._ended = False

    async def start(self) -> None:
        """Begin to read; returns at once, the broker may still be away. Idempotent."""
        if self._tasks and not self._ended:  # `running` does not tell: FastStream's test broker sets it beforehand
            return
        self._ended, self.failure = False, None
        await super().start()
        self._post_start()
        self._begin(self._join_all(), "partitions")

    async def stop(self) -> None:
        """Read no more. What is in hand may finish, and be counted, within the graceful time-out. Idempotent."""
        try:
            await super().stop()
        finally:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    @property
    def stream(self) -> str:
        """The name of the stream or super stream, prefixes and all."""
        return f"{self._outer_config.prefix}{self.config.stream}"

    @property
    def group(self) -> str | None:
        """The consumer group's name."""
        return self.config.group

    @property
    def context(self) -> ContextRepo:
        """FastStream's context."""
        return self._outer_config.context

    @property
    def middlewares(self) -> Sequence[Any]:
        """The middlewares of the broker and its routers, outermost first."""
        return self._broker_middlewares

    @property
    def is_healthy(self) -> bool:
        """Every partition is joined and none is in trouble, stopped or stalled.

        False after a failure; true for a subscriber whose handler raised `StopConsume`: it has nothing to do.
        """
        if self._ended:
            return self.failure is None
        return bool(self.partitions) and all(partition.is_healthy for partition in self.partitions.values())

    def troubles(self) -> list[str]:
        """Say why records do not take effect, a line each; nothing while they do."""
        if not self.partitions:
            return [f"{self.stream}: {self._joining or 'not joined yet'}"]
        waits = [p for p in self.partitions.values() if not p.is_healthy]
        return [f"{partition.stream}: {partition.trouble or 'not joined yet'}" for partition in waits]

    async def deliver(self, batch: Batch) -> None:
        """Hand a batch to the handlers, as the broker would. Raises what they raise, and SetupError before `start`."""
        if not self.running:
            raise SetupError(f"{self.stream}: the subscriber is not started")
        await self._handle(self, _Delivered(), batch)

    def record_scope(self) -> AbstractContextManager[None]:
        """Enter what FastStream's context holds while a message is handled, with room for the message."""
        outer = self._outer_config
        return self.context.scopes(
            (
                ("handler_", self),
                ("logger", outer.logger.logger.logger),
                *outer.extra_context.items(),
                ("log_context", self.get_log_context(None)),
                ("message", None),
            )
        )

    async def get_one(self, *, timeout: float = 5) -> StreamMessage[Any] | None:  # noqa: ARG002
        """Refused: a position belongs to a handler."""
        raise FeatureNotSupportedException("a stream is read by handlers, or by read_stream of the transport")

    def __aiter__(self) -> AsyncIterator[StreamMessage[Any]]:
        """Refused, as `get_one`."""
        raise FeatureNotSupportedException("a stream is read by handlers, or by read_stream of the transport")

    def get_log_context(self, message: StreamMessage[Any] | None) -> dict[str, str]:
        """Return what a log line says of a message."""
        return {"stream": self.stream, "message_id": getattr(message, "message_id", "")}

    async def parse_record(self, record: Record) -> StreamRecord:
        """Wrap a record. Raises EventRejected where it is no AMQP message."""
        return StreamRecord(record)

    async def _parse_batch(self, batch: Batch) -> StreamBatch:
        return StreamBatch(self.stream, batch)

    def _make_response_publisher(self, message: StreamMessage[Any]) -> Iterable[Any]:  # noqa: ARG002
        return ()

    def _begin(self, work: Any, what: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"{self.group or self.stream} {what}"))

    async def _join_all(self) -> None:
        async def work(partition: Partition, batch: Batch) -> None:
            await self._handle(self, partition, batch)

        turns = Turns(self.config.max_workers)
        self.partitions = {
            number: reader(self._outer_config, self.config, self.stream, number, stream, work, turns)
            for number, stream in enumerate(await self._streams())
        }
        for partition in self.partitions.values():
            self._begin(self._serve(partition), str(partition.number))

    async def _streams(self) -> list[str]:
        """Return the partitions' streams, however long the broker is away."""
        pause = FIRST_PAUSE
        while self.running:
            try:
                return await streams_of(
                    self._outer_config.url, self.stream, self.config.partitions, plain=self.group is None
                )
            except Exception as error:
                # Whatever it is: a subscriber that gave up here would be dead without a word.
                self._joining = error
                log.warning("%s: %s; trying again in %.1f s", self.stream, told(error), pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise asyncio.CancelledError

    async def _serve(self, partition: Partition) -> None:
        try:
            await partition.serve(lambda: self.running, self.lock)
        except Ended as end:
            if end.error is not None:
                log.critical("%s stopped: %s", partition.stream, told(end.error))
            self._stop_everything(end)

    def _stop_everything(self, end: Ended) -> None:
        self.running, self._ended, self.failure = False, True, end.error
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        app = self._outer_config.context.get("app") if end.application else None
        if app is not None:
            app.exit()
