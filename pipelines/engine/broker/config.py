"""The broker's and its subscribers' configuration, in FastStream's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from faststream.exceptions import FeatureNotSupportedException
from faststream.middlewares import AckPolicy

from pipelines.engine.broker._compat import (
    BrokerConfig,
    DefaultLoggerStorage,
    SubscriberSpecificationConfig,
    SubscriberUsecaseConfig,
)
from pipelines.engine.transport import Positions
from pipelines.engine.transport.address import Address


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
    """What all subscribers of a broker share."""

    address: Address = field(default_factory=lambda: Address("localhost", 5552, "guest", "guest", "/"))
    url: str = ""


@dataclass(kw_only=True)
class StreamSubscriberConfig(SubscriberUsecaseConfig):
    """One consumer group on one super stream."""

    super_stream: str
    group: str
    positions: Positions
    partitions: int | None
    batch_records: int
    stop_on: tuple[type[Exception], ...] = ()

    @property
    def ack_policy(self) -> AckPolicy:
        """A handler that returns has acknowledged; there is nothing else to say to a stream."""
        return AckPolicy.MANUAL


@dataclass(kw_only=True)
class StreamSpecificationConfig(SubscriberSpecificationConfig):
    """What the AsyncAPI document says of a subscriber."""

    super_stream: str
    group: str
