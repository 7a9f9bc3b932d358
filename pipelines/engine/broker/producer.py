"""FastStream's producer: encoded messages to confirmed ones, over one publisher per stream and compression."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from faststream.exceptions import FeatureNotSupportedException

from pipelines.engine.broker._compat import ProducerProto
from pipelines.engine.broker.response import StreamPublishCommand
from pipelines.engine.transport import Compression, SuperStreamPublisher, create_super_stream
from schemas.errors import StreamUnavailable


class StreamProducer(ProducerProto[StreamPublishCommand]):
    """Publishes batches. Connections are made when first needed, and anew after a loss."""

    # There are no replies to parse.
    _parser: Any = None
    _decoder: Any = None
    codec: Any = None

    def __init__(self, url: str, serializer: Callable[[], Any]) -> None:
        self._url = url
        self._serializer = serializer
        self._publishers: dict[tuple[str, Compression | None], SuperStreamPublisher] = {}
        self._opening = asyncio.Lock()

    async def publish(self, cmd: StreamPublishCommand) -> None:
        """Publish and return when all is confirmed. Raises Unconfirmed, StreamMissing or StreamUnavailable."""
        await self.publish_batch(cmd)

    async def publish_batch(self, cmd: StreamPublishCommand) -> None:
        """Publish and return when all is confirmed. Raises Unconfirmed, StreamMissing or StreamUnavailable."""
        messages = cmd.messages(self._serializer())
        if messages:
            try:
                async with asyncio.timeout(cmd.timeout):
                    publisher = await self._publisher(cmd.destination, cmd.compression)
            except TimeoutError as error:
                raise StreamUnavailable(f"{cmd.destination}: no connection within {cmd.timeout:g} s") from error
            await publisher.publish(messages, timeout=cmd.timeout)

    async def create_super_stream(self, stream: str, partitions: int) -> bool:
        """Make a super stream; false where it is there already. Raises PartitionMismatch or StreamUnavailable."""
        return await create_super_stream(self._url, stream, partitions)

    async def request(self, cmd: StreamPublishCommand) -> Any:  # noqa: ARG002
        """Refused: a log has no replies."""
        raise FeatureNotSupportedException("a stream is a log: there is nothing to answer a request")

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        publishers, self._publishers = self._publishers, {}
        for publisher in publishers.values():
            await publisher.__aexit__(None, None, None)

    async def _publisher(self, stream: str, compression: Compression | None) -> SuperStreamPublisher:
        async with self._opening:
            publisher = self._publishers.get((stream, compression))
            if publisher is None:
                publisher = await SuperStreamPublisher(self._url, stream, compression=compression).__aenter__()
                self._publishers[stream, compression] = publisher
            return publisher
