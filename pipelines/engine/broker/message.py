"""Records and batches as FastStream sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson
from faststream.exceptions import FeatureNotSupportedException
from faststream.message import StreamMessage

from pipelines.engine.transport import Batch, body_of


class Record(NamedTuple):
    """One record of a stream. `data` is its AMQP message, `recorded_at` when the broker wrote it (UTC)."""

    stream: str
    partition: int
    offset: int
    recorded_at: datetime
    data: bytes


class _LogMessage:
    """A log has nothing to acknowledge: a handler that returns has done so, one that raises gets the record again."""

    async def nack(self) -> None:
        """Refused."""
        raise FeatureNotSupportedException("a log knows no nack: raise an exception, and the record comes again")

    async def reject(self) -> None:
        """Refused."""
        raise FeatureNotSupportedException("a log knows no reject: return to go past a record, raise to get it again")


class StreamRecord(_LogMessage, StreamMessage[Record]):
    """The message of a handler of single records: `Context("message")`.

    Its `headers` are the tracing attributes of a CloudEvent, looked for only when someone asks.
    """

    def __init__(self, record: Record) -> None:
        name = f"{record.stream}/{record.partition}:{record.offset}"
        super().__init__(record, body_of(record.data), message_id=name, correlation_id=name)
        self._headers: dict[str, Any] | None = None

    @property
    def stream(self) -> str:
        """The stream or super stream subscribed to."""
        return self.raw_message.stream

    @property
    def partition(self) -> int:
        """The partition's number; 0 in a plain stream."""
        return self.raw_message.partition

    @property
    def offset(self) -> int:
        """The record's offset in its partition."""
        return self.raw_message.offset

    @property
    def recorded_at(self) -> datetime:
        """When the broker wrote the record (UTC)."""
        return self.raw_message.recorded_at

    @property
    def headers(self) -> dict[str, Any]:
        """`traceparent` and `tracestate`, where the body is a CloudEvent that has them."""
        if self._headers is None:
            self._headers = tracing_of(self.body)
        return self._headers

    @headers.setter
    def headers(self, value: dict[str, Any]) -> None:
        self._headers = value or None


class StreamBatch(_LogMessage, StreamMessage[Batch]):
    """The message of a handler of batches: `Context("message")`. Its body and `raw_message` are the `Batch`."""

    def __init__(self, stream: str, batch: Batch) -> None:
        first, last = batch.chunks[0].first_offset, batch.end_offset - 1
        name = f"{stream}/{batch.partition}:{first}-{last}"
        super().__init__(batch, batch, message_id=name, correlation_id=name)
        self.stream = stream
        self._batch_headers: list[dict[str, Any]] | None = None

    @property
    def partition(self) -> int:
        """The partition's number; 0 in a plain stream."""
        return self.raw_message.partition

    @property
    def records(self) -> list[Record]:
        """The batch's records, in order."""
        return records_of(self.stream, self.raw_message)

    @property
    def batch_headers(self) -> list[dict[str, Any]]:
        """The tracing attributes of each CloudEvent that has them, with the trace as `correlation_id`."""
        if self._batch_headers is None:
            found = (tracing_of(body_of(record.data)) for record in self.records)
            self._batch_headers = [{**it, "correlation_id": it["traceparent"]} for it in found if it]
        return self._batch_headers

    @batch_headers.setter
    def batch_headers(self, value: list[dict[str, Any]]) -> None:
        self._batch_headers = value or None


def records_of(stream: str, batch: Batch) -> list[Record]:
    """Return a batch's records, in order."""
    number = batch.partition
    return [
        Record(stream, number, offset, chunk.recorded_at, data)
        for chunk in batch.chunks
        for offset, data in enumerate(chunk.records, chunk.first_offset)
    ]


def stream_of(message: StreamMessage[Any]) -> str:
    """Return the stream a message came from, also of one a custom parser made."""
    return str(message.stream if isinstance(message, StreamRecord | StreamBatch) else message.raw_message.stream)


async def decode_record(message: StreamMessage[Record]) -> Any:
    """Return the body's JSON value; where it is not JSON, its bytes."""
    return _decoded(message.body)


async def decode_batch(message: StreamMessage[Batch]) -> list[Any]:
    """Return each record's JSON value; where it is not JSON, its bytes. FastStream knows batch decoders by name."""
    return [_decoded(body_of(record)) for chunk in message.raw_message.chunks for record in chunk.records]


async def whole_record(message: StreamMessage[Record]) -> StreamMessage[Record]:
    """Give the handler the message itself, undecoded, with its offset and time. Pass it as `decoder=`."""
    return message


async def whole_batch(message: StreamMessage[Batch]) -> Batch:
    """Give the handler the batch itself, undecoded, with its offsets and times. Pass it as `decoder=`."""
    return message.raw_message


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def tracing_of(body: bytes) -> dict[str, Any]:
    """Return a CloudEvent's W3C tracing attributes; empty where it has no `traceparent` or is no event."""
    event = _decoded(body) if b'"traceparent"' in body else None
    if not isinstance(event, dict) or not isinstance(event.get("traceparent"), str):
        return {}
    return {name: event[name] for name in ("traceparent", "tracestate") if isinstance(event.get(name), str)}
