"""What is published: a body with its key and id, and FastStream's command that carries some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from faststream.message import encode_message
from faststream.response import BatchPublishCommand, PublishCommand, PublishType, Response

from pipelines.engine.broker.config import Key
from pipelines.engine.transport import Compression, Message


class StreamResponse(Response):
    """A body with what goes beside it. A handler may return one or a list of them; `publish` takes them too.

    Args:
        body: bytes, a string, or anything that becomes JSON.
        key: chooses the partition: the same key, the same partition, in order. Without one the message's id does.
        message_id: at most 256 characters; by default a random one.
        filter_value: ASCII; what readers may filter by.
    """

    def __init__(
        self, body: Any, *, key: str | None = None, message_id: str | None = None, filter_value: str = ""
    ) -> None:
        super().__init__(body)
        self.key = key
        self.message_id = message_id
        self.filter_value = filter_value

    def get_publish_key(self) -> str | None:
        """Return the key."""
        return self.key

    def as_publish_command(self) -> PublishCommand:
        """Return a command with this as its only body."""
        return PublishCommand(self, correlation_id=self.correlation_id, _publish_type=PublishType.PUBLISH)


class StreamPublishCommand(BatchPublishCommand):
    """Bodies for one stream. `key` serves bodies that bring none; `timeout` is for all confirms, in seconds.

    With `compression` they travel and are stored in groups, without filter values.
    """

    key: Key = None
    timeout: float = 30.0
    compression: Compression | None = None

    @classmethod
    def of(
        cls, bodies: Sequence[Any], stream: str, *, key: Key, timeout: float, compression: Compression | None
    ) -> StreamPublishCommand:
        """Return a command that publishes these bodies, of which there may be none."""
        command = cls(None, destination=stream, _publish_type=PublishType.PUBLISH)
        command.batch_bodies = bodies
        command.key, command.timeout, command.compression = key, timeout, compression
        return command

    @classmethod
    def from_cmd(cls, cmd: PublishCommand, *, batch: bool = False) -> StreamPublishCommand:
        """Return a handler's result as a command: of each element if `batch` and it is a list or tuple."""
        if isinstance(cmd, StreamPublishCommand):
            return cmd
        bodies = cmd.body if batch and isinstance(cmd.body, list | tuple) else cmd.batch_bodies
        command = cls.of(bodies, cmd.destination, key=None, timeout=cls.timeout, compression=None)
        command.correlation_id, command.headers = cmd.correlation_id, cmd.headers
        return command

    def messages(self, serializer: Any) -> list[Message]:
        """Return the bodies encoded, ready to publish. CloudEvents go on with the trace the headers name, if any."""
        trace = self.headers.get("traceparent")
        return [_message(body, self.key, serializer, trace) for body in self.batch_bodies]


def _message(body: Any, key: Key, serializer: Any, trace: str | None) -> Message:
    if isinstance(body, Message):
        return body
    if not isinstance(body, StreamResponse):
        body = StreamResponse(body)
    chosen = body.key or (key(body.body) if callable(key) else key)
    message_id = body.message_id or uuid4().hex
    data, _ = encode_message(body.body, serializer)
    if trace is not None and not isinstance(body.body, bytes | str):
        data = _traced(data, trace)
    return Message(chosen or message_id, data, message_id, body.filter_value)


def _traced(data: bytes, trace: str) -> bytes:
    if data.endswith(b"}") and b'"specversion"' in data and b'"traceparent"' not in data:
        return data[:-1] + b',"traceparent":"' + trace.encode() + b'"}'
    return data
