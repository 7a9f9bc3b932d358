"""FastStream's OpenTelemetry spans and metrics for streams. Needs `opentelemetry-sdk`.

A trace goes on where an event's `traceparent` says, the tracing attribute of CloudEvents; a batch is a span of its
own, linked to its events' traces. A published CloudEvent (JSON with `specversion`) that has no `traceparent` gets
that of the publishing span.
"""

from __future__ import annotations

from typing import Any

from faststream.message import StreamMessage
from faststream.opentelemetry import TelemetrySettingsProvider
from faststream.opentelemetry.consts import MESSAGING_DESTINATION_PUBLISH_NAME
from faststream.opentelemetry.middleware import TelemetryMiddleware
from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.semconv.trace import SpanAttributes
from opentelemetry.trace import TracerProvider

from pipelines.engine.broker.message import StreamBatch, stream_of
from pipelines.engine.broker.response import StreamPublishCommand

_SYSTEM = "rabbitmq_stream"


class _Settings(TelemetrySettingsProvider[Any, StreamPublishCommand]):
    messaging_system = _SYSTEM

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> dict[str, Any]:
        attributes = {
            SpanAttributes.MESSAGING_SYSTEM: _SYSTEM,
            SpanAttributes.MESSAGING_MESSAGE_ID: msg.message_id,
            SpanAttributes.MESSAGING_MESSAGE_CONVERSATION_ID: msg.correlation_id,
            MESSAGING_DESTINATION_PUBLISH_NAME: stream_of(msg),
        }
        if isinstance(msg, StreamBatch):
            return {**attributes, SpanAttributes.MESSAGING_BATCH_MESSAGE_COUNT: len(msg.raw_message)}
        return {**attributes, SpanAttributes.MESSAGING_MESSAGE_PAYLOAD_SIZE_BYTES: len(msg.body)}

    def get_consume_destination_name(self, msg: StreamMessage[Any]) -> str:
        return stream_of(msg)

    def get_publish_attrs_from_cmd(self, cmd: StreamPublishCommand) -> dict[str, Any]:
        return {
            SpanAttributes.MESSAGING_SYSTEM: _SYSTEM,
            SpanAttributes.MESSAGING_DESTINATION_NAME: cmd.destination,
        }

    def get_publish_destination_name(self, cmd: StreamPublishCommand) -> str:
        return cmd.destination


class StreamTelemetryMiddleware(TelemetryMiddleware[StreamPublishCommand]):
    """Traces messages. The arguments are those of FastStream's other brokers."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        meter: Meter | None = None,
        include_messages_counters: bool = True,
    ) -> None:
        super().__init__(
            settings_provider_factory=lambda _: _Settings(),
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            meter=meter,
            include_messages_counters=include_messages_counters,
        )
