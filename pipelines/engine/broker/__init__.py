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
from pipelines.engine.transport import Batch, EventFilter, Position, Positions, body_of
from schemas.errors import (
    AddressError,
    BrokerAway,
    BrokerRefused,
    EventsLost,
    GroupStuck,
    PartitionMismatch,
    PublishRefused,
    StreamError,
    StreamMissing,
    StreamReplaced,
    StreamUnavailable,
    Unconfirmed,
)

__all__ = [
    "AddressError",
    "Batch",
    "BrokerAway",
    "BrokerRefused",
    "EventFilter",
    "EventsLost",
    "GroupStuck",
    "MemoryPositions",
    "Offset",
    "PartitionMismatch",
    "Position",
    "Positions",
    "PublishRefused",
    "Record",
    "StoringPositions",
    "StreamBatch",
    "StreamBroker",
    "StreamError",
    "StreamMissing",
    "StreamPublisher",
    "StreamRecord",
    "StreamReplaced",
    "StreamResponse",
    "StreamRoute",
    "StreamRoutePublisher",
    "StreamRouter",
    "StreamSubscriber",
    "StreamUnavailable",
    "TestStreamBroker",
    "Unconfirmed",
    "body_of",
    "whole_batch",
    "whole_record",
]
