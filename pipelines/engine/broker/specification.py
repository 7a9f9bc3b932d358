"""Entries of the AsyncAPI document. It knows no stream binding, so the facts are in words."""

from __future__ import annotations

from faststream.specification.asyncapi.utils import resolve_payloads
from faststream.specification.schema import Message, Operation, PublisherSpec, SubscriberSpec

from pipelines.engine.broker._compat import PublisherSpecification, SubscriberSpecification
from pipelines.engine.broker.config import (
    StreamBrokerConfig,
    StreamPublisherSpecificationConfig,
    StreamSpecificationConfig,
)


class StreamSubscriberSpecification(SubscriberSpecification[StreamBrokerConfig, StreamSpecificationConfig]):
    """Describes one subscriber."""

    @property
    def channel_labels(self) -> list[str]:
        """The stream's name."""
        return [f"{self._outer_config.prefix}{self.config.stream}"]

    def get_schema(self) -> dict[str, SubscriberSpec]:
        """Return the channel and its operation."""
        [address] = self.channel_labels
        facts = f"RabbitMQ stream `{address}`, {self.config.facts}."
        return {
            self.name: SubscriberSpec(
                address=address,
                description=f"{self.description}\n\n{facts}" if self.description else facts,
                operation=Operation(
                    message=Message(title=f"{self.name}:Message", payload=resolve_payloads(self.get_payloads())),
                    bindings=None,
                ),
                bindings=None,
            )
        }


class StreamPublisherSpecification(PublisherSpecification[StreamBrokerConfig, StreamPublisherSpecificationConfig]):
    """Describes one publisher."""

    @property
    def address(self) -> str:
        """The stream's name."""
        return f"{self._outer_config.prefix}{self.config.stream}"

    @property
    def name(self) -> str:
        """The title, or the stream's name with what this is."""
        return self.config.title_ or f"{self.address}:Publisher"

    def get_schema(self) -> dict[str, PublisherSpec]:
        """Return the channel and its operation."""
        facts = f"RabbitMQ stream `{self.address}`, confirmed batches."
        return {
            self.name: PublisherSpec(
                address=self.address,
                description=f"{self.config.description_}\n\n{facts}" if self.config.description_ else facts,
                operation=Operation(
                    message=Message(
                        title=f"{self.name}:Message", payload=resolve_payloads(self.get_payloads(), "Publisher")
                    ),
                    bindings=None,
                ),
                bindings=None,
            )
        }
