"""The configuration of a broker, its subscribers and publishers, in FastStream's shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from faststream.exceptions import FeatureNotSupportedException
from faststream.middlewares import AckPolicy

from pipelines.engine.broker._compat import (
    BrokerConfig,
    DefaultLoggerStorage,
    PublisherSpecificationConfig,
    PublisherUsecaseConfig,
    SubscriberSpecificationConfig,
    SubscriberUsecaseConfig,
)
from pipelines.engine.broker.offsets import Offset
from pipelines.engine.transport import Compression, EventFilter, Positions
from pipelines.engine.transport.address import Address

Policy = Literal["retry", "stop"]
OnError = Policy | Callable[[Exception], Policy]
"""What follows when a handler raises; a callable decides by the exception."""

Chosen = str | Callable[[Any], str] | None
"""A message's key or filter value, or how to get it from the message's body; None: it has none."""


class QuietLogger(DefaultLoggerStorage):
    """No log line per message: at this speed the line costs more than the work."""

    def register_subscriber(self, params: dict[str, Any]) -> None:
        """Nothing to measure for columns that are not printed."""

    def set_level(self, level: int) -> None:
        """There is no logger whose level could be set."""

    def get_logger(self, *, context: Any) -> Any:  # noqa: ARG002 - FastStream's signature
        """Refused: `make_logger_state` is given `logger=None`, so nobody asks."""
        raise FeatureNotSupportedException("the stream broker logs through the standard library's logging")


@dataclass(kw_only=True)
class StreamBrokerConfig(BrokerConfig):
    """What all subscribers and publishers of a broker share."""

    address: Address = field(default_factory=lambda: Address("localhost", 5552, "guest", "guest", "/"))
    url: str = ""


@dataclass(kw_only=True)
class StreamSubscriberConfig(SubscriberUsecaseConfig):
    """One reader of one stream or super stream: a group with its positions, or by itself from an offset."""

    stream: str
    batch: bool
    offset: Offset
    group: str | None
    positions: Positions | None
    partitions: int | None
    batch_records: int
    max_workers: int | None
    on_error: OnError
    stall_after: float
    only: EventFilter | None

    @property
    def ack_policy(self) -> AckPolicy:
        """A handler that returns has acknowledged; there is nothing else to say to a stream."""
        return AckPolicy.MANUAL


@dataclass(kw_only=True)
class StreamSpecificationConfig(SubscriberSpecificationConfig):
    """What the AsyncAPI document says of a subscriber."""

    stream: str
    facts: str


@dataclass(kw_only=True)
class StreamPublisherConfig(PublisherUsecaseConfig):
    """One publisher to one stream or super stream."""

    stream: str
    key: Chosen
    filter_value: Chosen
    timeout: float
    compression: Compression | None


@dataclass(kw_only=True)
class StreamPublisherSpecificationConfig(PublisherSpecificationConfig):
    """What the AsyncAPI document says of a publisher."""

    stream: str
