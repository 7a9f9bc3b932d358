"""A publisher to one stream, as decorator or by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faststream.exceptions import FeatureNotSupportedException
from faststream.response import PublishCommand
from faststream.types import PublisherMiddleware

from pipelines.engine.broker._compat import PublisherUsecase
from pipelines.engine.broker.config import Chosen, StreamBrokerConfig, StreamPublisherConfig
from pipelines.engine.broker.response import StreamPublishCommand
from pipelines.engine.broker.specification import StreamPublisherSpecification


class StreamPublisher(PublisherUsecase):
    """Publishes what a handler returns, or what `publish` is given, as one confirmed batch."""

    _outer_config: StreamBrokerConfig

    def __init__(self, config: StreamPublisherConfig, specification: StreamPublisherSpecification) -> None:
        super().__init__(config, specification)  # type: ignore[arg-type]
        self._config = config

    @property
    def stream(self) -> str:
        """The name of the stream or super stream, prefixes and all."""
        return f"{self._outer_config.prefix}{self._config.stream}"

    async def publish(  # type: ignore[override]  # each broker's signature is its own
        self, *messages: Any, key: Chosen = None, filter_value: Chosen = None, timeout: float | None = None
    ) -> None:
        """Publish the messages as one batch and return when all are confirmed. None is no message.

        `key`, `filter_value` and `timeout` in place of the publisher's own. Raises what the broker's `publish` does.
        """
        config = self._config
        command = StreamPublishCommand.of(
            messages,
            self.stream,
            key=config.key if key is None else key,
            filter_value=config.filter_value if filter_value is None else filter_value,
            timeout=config.timeout if timeout is None else timeout,
            compression=config.compression,
        )
        await self._send(command, ())

    async def request(self, *_: Any, **__: Any) -> Any:
        """Refused: a log has no replies."""
        raise FeatureNotSupportedException("a stream is a log: there is nothing to answer a request")

    async def _publish(self, cmd: PublishCommand, *, _extra_middlewares: Iterable[PublisherMiddleware]) -> None:
        command = StreamPublishCommand.from_cmd(cmd, batch=True)
        command.destination = self.stream
        command.key, command.filter_value = self._config.key, self._config.filter_value
        command.timeout, command.compression = self._config.timeout, self._config.compression
        await self._send(command, _extra_middlewares)

    async def _send(self, command: StreamPublishCommand, middlewares: Iterable[PublisherMiddleware]) -> None:
        await self._basic_publish_batch(command, producer=self._outer_config.producer, _extra_middlewares=middlewares)
