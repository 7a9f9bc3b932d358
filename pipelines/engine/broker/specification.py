"""A subscriber's entry in the AsyncAPI document. There is no stream binding there, so the facts are in words."""

from __future__ import annotations

from faststream.specification.asyncapi.utils import resolve_payloads
from faststream.specification.schema import Message, Operation, SubscriberSpec

from pipelines.engine.broker._compat import SubscriberSpecification
from pipelines.engine.broker.config import StreamBrokerConfig, StreamSpecificationConfig


class StreamSubscriberSpecification(SubscriberSpecification[StreamBrokerConfig, StreamSpecificationConfig]):
    """Describes one consumer group."""

    @property
    def channel_labels(self) -> list[str]:
        """The super stream's name."""
        return [self.config.super_stream]

    def get_schema(self) -> dict[str, SubscriberSpec]:
        """Return the channel and its operation."""
        facts = f"RabbitMQ super stream `{self.config.super_stream}`, consumer group `{self.config.group}`, in batches."
        described = f"{self.description}\n\n{facts}" if self.description else facts
        return {
            self.name: SubscriberSpec(
                address=self.config.super_stream,
                description=described,
                operation=Operation(
                    message=Message(title=f"{self.name}:Message", payload=resolve_payloads(self.get_payloads())),
                    bindings=None,
                ),
                bindings=None,
            )
        }
