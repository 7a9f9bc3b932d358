"""What is published: a body with its key and id, and FastStream's command that carries some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from faststream.message import encode_message
from faststream.response import BatchPublishCommand, PublishCommand, PublishType, Response

from pipelines.engine.broker.config import Chosen
from pipelines.engine.transport import Compression, Message
from schemas.envelope import CONTENT_TYPE
from schemas.errors import PublishRefused


class StreamResponse(Response):
    """A body with what goes beside it. A handler may return one or a list of them; `publish` takes them too.

    Args:
        body: bytes, a string, or anything that becomes JSON.
        key: chooses the partition: the same key, the same partition, in order. Without one the message's id does.
        message_id: at most 256 characters; by default a random one.
        filter_value: ASCII; what readers may filter by.

    What is None here is as the publisher says.
    """

    def __init__(
        self, body: Any, *, key: str | None = None, message_id: str | None = None, filter_value: str | None = None
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
    """Bodies for one stream. `key` and `filter_value` serve bodies that bring none; `timeout` is in seconds, for all.

    With `compression` they travel and are stored in groups, without filter values.
    """

    key: Chosen = None
    filter_value: Chosen = None
    timeout: float = 30.0
    compression: Compression | None = None

    @classmethod
    def of(
        cls,
        bodies: Sequence[Any],
        stream: str,
        *,
        key: Chosen = None,
        filter_value: Chosen = None,
        timeout: float = timeout,
        compression: Compression | None = None,
    ) -> StreamPublishCommand:
        """Return a command that publishes these bodies, of which there may be none."""
        command = cls(None, destination=stream, _publish_type=PublishType.PUBLISH)
        command.batch_bodies = bodies
        command.key, command.filter_value = key, filter_value
        command.timeout, command.compression = timeout, compression
        return command

    @classmethod
    def from_cmd(cls, cmd: PublishCommand, *, batch: bool = False) -> StreamPublishCommand:
        """Return a handler's result as a command: of each element if `batch` and it is a list or tuple."""
        if isinstance(cmd, StreamPublishCommand):
            return cmd
        bodies = cmd.body if batch and isinstance(cmd.body, list | tuple) else cmd.batch_bodies
        command = cls.of(bodies, cmd.destination)
        command.correlation_id, command.headers = cmd.correlation_id, cmd.headers
        return command

    def messages(self, serializer: Any) -> list[Message]:
        """Return the bodies encoded, ready to publish; None is none.

        CloudEvents go on with the trace the headers name, if any.

        Raises:
            PublishRefused: a key or filter value that is no text, or a filter value for what is to be compressed.
        """
        trace = self.headers.get("traceparent")
        return [
            body if isinstance(body, Message) else self._message(body, serializer, trace)
            for body in self.batch_bodies
            if body is not None
        ]

    def _message(self, body: Any, serializer: Any, trace: str | None) -> Message:
        response = body if isinstance(body, StreamResponse) else StreamResponse(body)
        message_id = response.message_id or uuid4().hex
        key = _chosen(response.key, self.key, response.body)
        filter_value = _chosen(response.filter_value, self.filter_value, response.body)
        if filter_value and self.compression is not None:
            raise PublishRefused(f"filter value {filter_value!r}: compressed messages have none; leave out one of both")
        data, content_type = encode_message(response.body, serializer)
        if not isinstance(response.body, bytes | str) and _is_event(data):
            content_type = CONTENT_TYPE
            if trace is not None and b'"traceparent"' not in data:
                data = data[:-1] + b',"traceparent":"' + trace.encode() + b'"}'
        return Message(message_id if key is None else key, data, message_id, filter_value or "", content_type)


def _chosen(own: str | None, default: Chosen, body: Any) -> str | None:
    chosen = own if own is not None else default(body) if callable(default) else default
    if chosen is not None and not isinstance(chosen, str):
        raise PublishRefused(f"{chosen!r} is no text; keys and filter values are")
    return chosen


def _is_event(data: bytes) -> bool:
    return data.endswith(b"}") and b'"specversion"' in data
