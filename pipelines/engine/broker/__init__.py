"""The first FastStream broker for RabbitMQ Streams."""

from pipelines.engine.broker.broker import StreamBroker
from pipelines.engine.broker.message import StreamBatch, whole_batch
from pipelines.engine.broker.subscriber import StreamSubscriber

__all__ = ["StreamBatch", "StreamBroker", "StreamSubscriber", "whole_batch"]
