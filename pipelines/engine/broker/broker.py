"""A FastStream broker on RabbitMQ's native stream protocol: super streams, consumer groups, batches."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from fast_depends import dependency_provider
from faststream.exceptions import FeatureNotSupportedException
from faststream.specification.schema import BrokerSpec

from pipelines.engine.broker._compat import (
    EMPTY,
    BrokerUsecase,
    CallsCollection,
    ContextRepo,
    FastDependsConfig,
    Registrator,
    make_logger_state,
)
from pipelines.engine.broker.config import (
    QuietLogger,
    StreamBrokerConfig,
    StreamSpecificationConfig,
    StreamSubscriberConfig,
)
from pipelines.engine.broker.specification import StreamSubscriberSpecification
from pipelines.engine.broker.subscriber import StreamSubscriber
from pipelines.engine.transport import Batch, Message, Positions, SuperStreamPublisher
from pipelines.engine.transport.address import Address


class StreamRegistrator(Registrator[Batch, StreamBrokerConfig]):
    """Declares subscribers."""

    def subscriber(  # type: ignore[override]  # each broker's signature is its own
        self,
        super_stream: str,
        *,
        group: str,
        positions: Positions,
        partitions: int | None = None,
        batch_records: int = 4000,
        stop_on: tuple[type[Exception], ...] = (),
        decoder: Any = None,
        dependencies: Sequence[Any] = (),
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
    ) -> StreamSubscriber:
        """Subscribe a handler to a super stream, as member of a consumer group.

        Each partition has one active member. The handler is called with one batch of one partition at a time, in
        stream order; partitions run concurrently. When it returns, the batch is done; when it raises, the group is
        joined again from the last position.

        Args:
            super_stream: its name.
            group: the consumer group's name; positions belong to it.
            positions: where positions are kept, and taken over from a former owner.
            partitions: how many partitions there must be; by default, as many as the broker says at the start.
            batch_records: a batch holds at most about so many records; it ends with a whole chunk.
            stop_on: exceptions after which the whole application stops.
            decoder: makes the handler's first argument from the message; by default a list of each record's JSON.
            dependencies: FastDepends dependencies.
            title, description, include_in_schema: for the AsyncAPI document.
        """
        config = StreamSubscriberConfig(
            _outer_config=self.config,  # type: ignore[arg-type]  # FastStream passes the composition as a config
            super_stream=super_stream,
            group=group,
            positions=positions,
            partitions=partitions,
            batch_records=batch_records,
            stop_on=stop_on,
        )
        calls: CallsCollection[Batch] = CallsCollection()
        specification = StreamSubscriberSpecification(
            self.config,  # type: ignore[arg-type]
            StreamSpecificationConfig(
                super_stream=super_stream,
                group=group,
                title_=title,
                description_=description,
                include_in_schema=include_in_schema,
            ),
            calls,
        )
        subscriber = StreamSubscriber(config, specification, calls)
        super().subscriber(subscriber)
        return subscriber.add_call(parser_=None, decoder_=decoder, dependencies_=dependencies)

    def publisher(self, *_: Any, **__: Any) -> Any:
        """Refused: FastStream awaits each result of a handler singly; publish batches with `publish_batch`."""
        raise FeatureNotSupportedException("publish batches with StreamBroker.publish_batch")


class StreamBroker(StreamRegistrator, BrokerUsecase[Batch, str, StreamBrokerConfig]):
    """Connects FastStream to RabbitMQ Streams.

    `url` is `rabbitmq-stream://USER:PASSWORD@HOST:PORT/VHOST`. FastStream's log line per message is off.
    """

    def __init__(
        self,
        url: str = "rabbitmq-stream://guest:guest@localhost:5552/%2f",
        *,
        graceful_timeout: float | None = 15.0,
        middlewares: Sequence[Any] = (),
        dependencies: Sequence[Any] = (),
        routers: Iterable[StreamRegistrator] = (),
        apply_types: bool = True,
        description: str | None = None,
    ) -> None:
        address = Address.parse(url)
        super().__init__(
            routers=routers,
            config=StreamBrokerConfig(
                address=address,
                url=url,
                broker_middlewares=middlewares,
                broker_dependencies=dependencies,
                graceful_timeout=graceful_timeout,
                logger=make_logger_state(logger=None, log_level=logging.INFO, default_storage_cls=QuietLogger),
                fd_config=FastDependsConfig(
                    use_fastdepends=apply_types,
                    serializer=EMPTY,
                    provider=dependency_provider,
                    context=ContextRepo(),
                ),
                extra_context={"broker": self},
            ),
            specification=BrokerSpec(
                url=[f"rabbitmq-stream://{address.host}:{address.port}"],
                protocol="rabbitmq-stream",
                protocol_version="1",
                description=description,
                tags=(),
                security=None,
            ),
        )
        self._url = url
        self._publishing: dict[str, SuperStreamPublisher] = {}

    async def start(self) -> None:
        """Start the subscribers; each joins its group as soon as the broker is there."""
        await self.connect()
        await super().start()

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Leave all groups and close all connections. Idempotent; safe before `start`."""
        await super().stop(exc_type, exc_val, exc_tb)
        publishers, self._publishing = self._publishing, {}
        for publisher in publishers.values():
            await publisher.__aexit__(None, None, None)

    async def publish_batch(  # type: ignore[override]  # each broker's signature is its own
        self, *messages: Message, super_stream: str, timeout: float = 30.0
    ) -> None:
        """Publish and return when all are confirmed. Raises Unconfirmed, StreamMissing or StreamUnavailable."""
        publisher = self._publishing.get(super_stream)
        if publisher is None:
            publisher = await SuperStreamPublisher(self._url, super_stream).__aenter__()
            self._publishing[super_stream] = publisher
        await publisher.publish(messages, timeout=timeout)

    async def publish(self, *_: Any, **__: Any) -> Any:
        """Refused: a stream wants batches."""
        raise FeatureNotSupportedException("publish batches with StreamBroker.publish_batch")

    async def request(self, *_: Any, **__: Any) -> Any:
        """Refused: a log has no replies."""
        raise FeatureNotSupportedException("a stream is a log: there is nothing to answer a request")

    async def ping(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - FastStream's signature
        """Say whether every subscriber has joined its group and none is in trouble."""
        subscribers = [s for s in self.subscribers if isinstance(s, StreamSubscriber)]
        return self.running and all(subscriber.is_healthy for subscriber in subscribers)

    async def _connect(self) -> str:
        # Each partition has a connection of its own, made and remade by its consumer.
        return self._url
