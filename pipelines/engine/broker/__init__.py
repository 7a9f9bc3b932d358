"""The first FastStream broker for RabbitMQ Streams. `README.md` beside this file shows how to use it."""

from pipelines.engine.broker.broker import StreamBroker
from pipelines.engine.broker.message import Record, StreamBatch, StreamRecord, whole_batch, whole_record
from pipelines.engine.broker.offsets import Offset
from pipelines.engine.broker.positions import MemoryPositions, StoringPositions
from pipelines.engine.broker.publisher import StreamPublisher
from pipelines.engine.broker.response import StreamResponse
from pipelines.engine.broker.router import StreamRoute, StreamRoutePublisher, StreamRouter
from pipelines.engine.broker.subscriber import StreamSubscriber
from pipelines.engine.broker.testing import TestStreamBroker
from pipelines.engine.transport import Batch, EventFilter, Position, Positions, body_of, create_super_stream

__all__ = [
    "Batch",
    "EventFilter",
    "MemoryPositions",
    "Offset",
    "Position",
    "Positions",
    "Record",
    "StoringPositions",
    "StreamBatch",
    "StreamBroker",
    "StreamPublisher",
    "StreamRecord",
    "StreamResponse",
    "StreamRoute",
    "StreamRoutePublisher",
    "StreamRouter",
    "StreamSubscriber",
    "TestStreamBroker",
    "body_of",
    "create_super_stream",
    "whole_batch",
    "whole_record",
]
