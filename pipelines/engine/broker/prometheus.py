"""FastStream's Prometheus metrics for streams. Needs `prometheus-client`.

A batch counts as as many messages as it has records; its size is that of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faststream.message import StreamMessage
from faststream.prometheus import ConsumeAttrs, MetricsSettingsProvider
from faststream.prometheus.middleware import PrometheusMiddleware
from prometheus_client import CollectorRegistry

from pipelines.engine.broker.message import StreamBatch, stream_of
from pipelines.engine.broker.response import StreamPublishCommand
from pipelines.engine.transport import Batch


class _Settings(MetricsSettingsProvider[Any, StreamPublishCommand]):
    messaging_system = "rabbitmq_stream"

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> ConsumeAttrs:
        whole = isinstance(msg, StreamBatch)
        return {
            "destination_name": stream_of(msg),
            "message_size": _size(msg.raw_message) if whole else len(msg.body),
            "messages_count": len(msg.raw_message) if whole else 1,
        }

    def get_publish_destination_name_from_cmd(self, cmd: StreamPublishCommand) -> str:
        return cmd.destination


class StreamPrometheusMiddleware(PrometheusMiddleware[Any, StreamPublishCommand]):
    """Counts and times messages, by stream. The arguments are those of FastStream's other brokers."""

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        app_name: str = "faststream",
        metrics_prefix: str = "faststream",
        received_messages_size_buckets: Sequence[float] | None = None,
        custom_labels: dict[str, str | Callable[[Any], str]] | None = None,
    ) -> None:
        super().__init__(
            settings_provider_factory=lambda _: _Settings(),
            registry=registry,
            app_name=app_name,
            metrics_prefix=metrics_prefix,
            received_messages_size_buckets=received_messages_size_buckets,
            custom_labels=custom_labels,
        )


def _size(batch: Batch) -> int:
    return sum(len(record) for chunk in batch.chunks for record in chunk.records)
