"""RabbitMQ Streams, hardened: what goes in is confirmed, what comes out has no gap. Knows no FastStream, no orders."""

from pipelines.engine.transport.amqp import body_of, encode
from pipelines.engine.transport.batch import Batch, Position, Positions
from pipelines.engine.transport.chunk import Chunk
from pipelines.engine.transport.consumer import GroupConsumer
from pipelines.engine.transport.filtering import EventFilter
from pipelines.engine.transport.jumps import check_position
from pipelines.engine.transport.named import NamedPublisher
from pipelines.engine.transport.publisher import Message, SuperStreamPublisher
from pipelines.engine.transport.reader import end_offset, first_offset, read_stream
from pipelines.engine.transport.subentries import COMPRESSIONS, Compression
from pipelines.engine.transport.topology import (
    PartitionInfo,
    create_super_stream,
    describe,
    partition_count,
    streams_of,
)
from pipelines.engine.transport.turns import Turns
from pipelines.engine.transport.waiting import Waiting, last_chunks, waiting

__all__ = [
    "COMPRESSIONS",
    "Batch",
    "Chunk",
    "Compression",
    "EventFilter",
    "GroupConsumer",
    "Message",
    "NamedPublisher",
    "PartitionInfo",
    "Position",
    "Positions",
    "SuperStreamPublisher",
    "Turns",
    "Waiting",
    "body_of",
    "check_position",
    "create_super_stream",
    "describe",
    "encode",
    "end_offset",
    "first_offset",
    "last_chunks",
    "partition_count",
    "read_stream",
    "streams_of",
    "waiting",
]
