"""Hand a batch to FastStream's handlers, whole or record by record.

FastStream's own `consume` swallows a handler's exceptions, which on a log would skip the message. Here
`process_message` is called, and what it raises goes on.

For single records that costs more than a handler does, as FastStream enters the same contexts for each. The same
steps are taken here, and what is the same for all records of a batch is entered once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from typing import Any, Protocol

from faststream.exceptions import AckMessage, RejectMessage, SkipMessage, SubscriberNotFound
from faststream.response import ensure_response

from pipelines.engine.broker._compat import CallsCollection, ContextRepo, HandlerItem, default_filter
from pipelines.engine.broker.message import Record, StreamRecord, records_of
from pipelines.engine.transport import Batch

# Raised by a handler that is done with a message early.
DONE = (AckMessage, RejectMessage, SkipMessage)


class Progress(Protocol):
    """Who is told how far a batch is done: `position` is the offset of the first record that is not."""

    position: int | None


class Served(Protocol):
    """Whose handlers are called: a subscriber."""

    calls: CallsCollection[Any]
    running: bool

    @property
    def stream(self) -> str:
        """The stream's name."""

    @property
    def context(self) -> ContextRepo:
        """FastStream's context."""

    @property
    def middlewares(self) -> Sequence[Any]:
        """Outermost first."""

    def record_scope(self) -> AbstractContextManager[None]:
        """Enter what the context holds while a record is handled."""

    async def parse_record(self, record: Record) -> StreamRecord:
        """The subscriber's own parser."""

    async def process_message(self, msg: Any) -> Any:
        """FastStream's way to call the handler."""


_RECORDS_A_TURN = 200
"""After so many records the event loop gets its turn, also where no handler ever waits."""


async def handle_batch(subscriber: Served, progress: Progress, batch: Batch) -> None:
    """Call the handler once. Raises what it raises."""
    with contextlib.suppress(*DONE):
        await subscriber.process_message(batch)
    progress.position = batch.end_offset


async def handle_records(subscriber: Served, progress: Progress, batch: Batch) -> None:
    """Call the handler for each record, in order, and move the position with each. Raises what it raises.

    A subscriber that is stopping returns after the record in hand; what is left of the batch is not done.
    """
    handle = _Handler(subscriber)
    with subscriber.record_scope():
        for turn, record in enumerate(records_of(subscriber.stream, batch), 1):
            if not subscriber.running:
                return
            try:  # noqa: SIM105 - a context manager for each record costs as much as the message
                await handle(record)
            except DONE:
                pass
            progress.position = record.offset + 1
            if turn % _RECORDS_A_TURN == 0:
                await asyncio.sleep(0)


class _Handler:
    """What FastStream's `process_message` does for a message, without what is the same for all of a batch."""

    def __init__(self, subscriber: Served) -> None:
        self._calls = subscriber.calls
        self._context = subscriber.context
        self._middlewares = tuple(subscriber.middlewares)
        # The usual case, in which FastStream's choice of a handler has one outcome and awaits nothing.
        item = subscriber.calls[0] if len(subscriber.calls) == 1 else None
        plain = item is not None and item.filter is default_filter and item.parser == subscriber.parse_record
        self._only: HandlerItem[Any] | None = item if plain else None

    async def __call__(self, record: Record) -> None:
        if not self._middlewares:
            await self._handle(record, ())
            return
        async with AsyncExitStack() as stack:
            entered = [middleware(record, context=self._context) for middleware in self._middlewares]
            for middleware in entered:
                await stack.enter_async_context(middleware)
            await self._handle(record, entered[::-1])

    async def _handle(self, record: Record, inner_first: Sequence[Any]) -> None:
        item = self._only
        if item is None:
            item, message = await self._choose(record)
        else:
            message = StreamRecord(record)
            assert item.decoder is not None
            message.set_decoder(item.decoder)
        self._context.set_local("message", message)
        result = await item.call(message, _extra_middlewares=[m.consume_scope for m in inner_first])
        if publishers := item.handler._publishers:
            response = ensure_response(result)
            response.correlation_id = response.correlation_id or message.correlation_id
            scopes = [m.publish_scope for m in inner_first]
            for publisher in publishers:
                await publisher._publish(response.as_publish_command(), _extra_middlewares=scopes)

    async def _choose(self, record: Record) -> tuple[HandlerItem[Any], Any]:
        cache: dict[Any, Any] = {}
        for item in self._calls:
            message = await item.is_suitable(record, cache)
            if message is not None:
                return item, message
        raise SubscriberNotFound(f"no handler takes {record}; add one without a filter")
