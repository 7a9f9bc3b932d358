"""A FastStream broker on RabbitMQ's native stream protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, cast

from fast_depends import dependency_provider
from faststream.exceptions import FeatureNotSupportedException
from faststream.specification.schema import BrokerSpec
from faststream.types import LoggerProto

from pipelines.engine.broker._compat import (
    EMPTY,
    BrokerUsecase,
    ContextRepo,
    CustomCallable,
    FastDependsConfig,
    make_logger_state,
)
from pipelines.engine.broker.config import Chosen, QuietLogger, StreamBrokerConfig
from pipelines.engine.broker.producer import StreamProducer
from pipelines.engine.broker.registrator import StreamRegistrator
from pipelines.engine.broker.response import StreamPublishCommand
from pipelines.engine.broker.subscriber import StreamSubscriber
from pipelines.engine.transport import Compression
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import StreamUnavailable

_PING_SECONDS = 5.0


class StreamBroker(StreamRegistrator, BrokerUsecase[Any, str, StreamBrokerConfig]):
    """Connects FastStream to RabbitMQ Streams.

    Args:
        url: `rabbitmq-stream://USER:PASSWORD@HOST:PORT/VHOST`; further nodes of a cluster follow the first with
            commas; `rabbitmq-stream+tls://` for TLS, with `?cacert=FILE` for an authority of your own.
        graceful_timeout: seconds `stop` waits for what handlers have in hand; None or 0: not at all.
        parser, decoder: for all subscribers that have none of their own.
        middlewares: FastStream's; they see every message, and every batch as one.
        dependencies: FastDepends dependencies of all handlers.
        routers: to include.
        apply_types: false: call handlers with what the decoder gives, without pydantic and injection. Much faster
            for single records.
        logger: what handlers get as FastStream's `Logger`. The broker itself logs no line per message.
        description: for the AsyncAPI document.
    """

    def __init__(
        self,
        url: str = "rabbitmq-stream://guest:guest@localhost:5552/%2f",
        *,
        graceful_timeout: float | None = 15.0,
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        middlewares: Sequence[Any] = (),
        dependencies: Sequence[Any] = (),
        routers: Iterable[StreamRegistrator] = (),
        apply_types: bool = True,
        logger: LoggerProto | None = None,
        description: str | None = None,
    ) -> None:
        address = Address.parse(url)
        scheme = "rabbitmq-stream+tls" if address.tls else "rabbitmq-stream"
        fd_config = FastDependsConfig(
            use_fastdepends=apply_types, serializer=EMPTY, provider=dependency_provider, context=ContextRepo()
        )
        producer = StreamProducer(url, lambda: self.config.fd_config._serializer)
        super().__init__(
            routers=routers,
            config=StreamBrokerConfig(
                address=address,
                url=url,
                producer=producer,
                broker_parser=parser,
                broker_decoder=decoder,
                broker_middlewares=middlewares,
                broker_dependencies=dependencies,
                graceful_timeout=graceful_timeout,
                logger=make_logger_state(logger=None, log_level=logging.INFO, default_storage_cls=QuietLogger),
                fd_config=fd_config,
                extra_context={"broker": self, "logger": logger or logging.getLogger("faststream.streams")},
            ),
            specification=BrokerSpec(
                url=[f"{scheme}://{host}:{port}" for host, port in address.nodes],
                protocol=scheme,
                protocol_version="1",
                description=description,
                tags=(),
                security=None,
            ),
        )
        self._url = url
        self._own_producer = producer

    async def start(self) -> None:
        """Start the subscribers; each begins to read as soon as the broker is there."""
        await self.connect()
        await super().start()

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Stop reading and close all connections. Idempotent; safe before `start`."""
        await super().stop(exc_type, exc_val, exc_tb)
        await self._own_producer.close()

    async def create_super_stream(self, stream: str, partitions: int) -> bool:
        """Make a super stream that keeps everything; false where it is there already. Needs no `start`.

        Raises:
            PartitionMismatch: it is there with another number of partitions; none are added in place.
            StreamUnavailable: the broker is away or refuses.
        """
        return await cast("StreamProducer", self._producer).create_super_stream(stream, partitions)

    async def publish(
        self,
        message: Any,
        stream: str,
        *,
        key: Chosen = None,
        filter_value: Chosen = None,
        timeout: float = 30.0,
        compression: Compression | None = None,
    ) -> None:
        """Publish one message and return when it is confirmed; `publish_batch` is many times faster for more.

        Args:
            message: bytes, a string, anything that becomes JSON, or a `StreamResponse`.
            stream: a super stream, or a plain one.
            key, filter_value, compression: as for `publisher`.
            timeout: seconds for the confirm.

        Raises:
            Unconfirmed: it is not confirmed in time, and may be in the stream or not.
            StreamMissing, StreamUnavailable: it was not sent.
            PublishRefused: it can never be published as it is.
        """
        await self.publish_batch(
            message, stream=stream, key=key, filter_value=filter_value, timeout=timeout, compression=compression
        )

    async def publish_batch(  # type: ignore[override]  # each broker's signature is its own
        self,
        *messages: Any,
        stream: str,
        key: Chosen = None,
        filter_value: Chosen = None,
        timeout: float = 30.0,
        compression: Compression | None = None,
    ) -> None:
        """Publish the messages and return when all are confirmed. Takes and raises what `publish` does.

        Messages of one partition keep their order. None is no message.
        """
        command = StreamPublishCommand.of(
            messages, stream, key=key, filter_value=filter_value, timeout=timeout, compression=compression
        )
        await self._basic_publish_batch(command, producer=self._producer)

    async def request(self, *_: Any, **__: Any) -> Any:
        """Refused: a log has no replies."""
        raise FeatureNotSupportedException("a stream is a log: there is nothing to answer a request")

    async def ping(self, timeout: float | None = None) -> bool:
        """Say whether all is well: every subscriber reads, and none is in trouble, stopped or stalled.

        Subscribers know that by themselves. Without any, the broker is asked, for at most `timeout` (5) seconds.
        """
        subscribers = [s for s in self.subscribers if isinstance(s, StreamSubscriber)]
        if not self.running or subscribers:
            return self.running and all(subscriber.is_healthy for subscriber in subscribers)
        try:
            async with asyncio.timeout(timeout or _PING_SECONDS):
                connection = await Connection.open(self.config.broker_config.address, "ping")
        except (StreamUnavailable, TimeoutError):
            return False
        await connection.close()
        return True

    async def _connect(self) -> str:
        # Each partition has a connection of its own, made and remade by its reader.
        return self._url
