"""Handlers declared apart from a broker, and included in one later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipelines.engine.broker._compat import ArgsContainer, BrokerRouter, CustomCallable, SubscriberRoute
from pipelines.engine.broker.config import StreamBrokerConfig
from pipelines.engine.broker.registrator import StreamRegistrator


class StreamRoutePublisher(ArgsContainer):
    """A publisher for a `StreamRoute`; takes what `StreamBroker.publisher` takes."""

    def __init__(self, stream: str, **options: Any) -> None:
        super().__init__(stream, **options)


class StreamRoute(SubscriberRoute):
    """A handler with its subscription, for a router; takes what `StreamBroker.subscriber` takes."""

    def __init__(
        self, call: Callable[..., Any], stream: str, *, publishers: Iterable[StreamRoutePublisher] = (), **options: Any
    ) -> None:
        super().__init__(call, stream, publishers=publishers, **options)


class StreamRouter(StreamRegistrator, BrokerRouter[Any, StreamBrokerConfig]):
    """Subscribers and publishers for `StreamBroker.include_router`. `prefix` goes before their streams' names."""

    def __init__(
        self,
        prefix: str = "",
        handlers: Iterable[StreamRoute] = (),
        *,
        dependencies: Sequence[Any] = (),
        middlewares: Sequence[Any] = (),
        routers: Iterable[StreamRegistrator] = (),
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        include_in_schema: bool | None = None,
    ) -> None:
        super().__init__(
            handlers=handlers,
            config=StreamBrokerConfig(
                prefix=prefix,
                broker_dependencies=dependencies,
                broker_middlewares=middlewares,
                broker_parser=parser,
                broker_decoder=decoder,
                include_in_schema=include_in_schema,
            ),
            routers=routers,
        )
