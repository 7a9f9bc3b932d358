"""Publish order events: validated first, each to its order's partition, confirmed (I8)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import orjson

from pipelines.engine.settings import Settings
from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.orders import parse


class OrderPublisher:
    """The one way by which our own services put events into the super stream."""

    def __init__(self, settings: Settings) -> None:
        self._stream = SuperStreamPublisher(settings.stream_url, settings.super_stream, settings.partitions)

    async def __aenter__(self) -> OrderPublisher:
        """Look the super stream up. Raises StreamMissing or StreamUnavailable."""
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    async def publish_many(self, events: Sequence[dict[str, Any] | bytes]) -> None:
        """Return when the broker has confirmed every event; those of one order keep their order.

        Each is a CloudEvent: an object as read from JSON, or its JSON text, which is sent as it is.

        Raises:
            EventRejected, UnknownVersion: one is no event that would take effect. Nothing was sent.
            Unconfirmed: the broker did not confirm some. Publishing the same events again is safe.
        """
        await self._stream.publish([_message(event) for event in events])


def _message(event: dict[str, Any] | bytes) -> Message:
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    parsed = parse(body).event
    return Message(subject=parsed.subject, body=body, message_id=parsed.id, filter_value=parsed.type)
