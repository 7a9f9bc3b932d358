"""A batch of a stream as FastStream sees it."""

from __future__ import annotations

from typing import Any

import orjson
from faststream.message import StreamMessage

from pipelines.engine.transport import Batch, body_of


class StreamBatch(StreamMessage[Batch]):
    """Consecutive records of one partition. There is nothing to acknowledge: a handler that returns has done so."""


async def parse_batch(batch: Batch) -> StreamBatch:
    """Wrap a batch without looking inside."""
    return StreamBatch(
        raw_message=batch,
        body=batch,
        headers={"partition": batch.partition, "first_offset": batch.first_offset},
        message_id=f"{batch.partition}:{batch.first_offset}-{batch.end_offset}",
        correlation_id=f"{batch.partition}:{batch.first_offset}",
    )


async def decode_batch(message: StreamMessage[Batch]) -> list[Any]:
    """Return the JSON value of every record. FastStream knows a batch decoder by this very name."""
    batch = message.raw_message
    return [orjson.loads(body_of(record)) for chunk in batch.chunks for record in chunk.records]


async def whole_batch(message: StreamMessage[Batch]) -> Batch:
    """Give the handler the batch itself, undecoded, with its offsets and times. Pass it as `decoder=`."""
    return message.raw_message
