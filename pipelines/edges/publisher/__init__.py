"""How a Python service publishes order events: validated, each to its order's partition, confirmed (I8)."""

from pipelines.edges.publisher.errors import EventsUnconfirmed
from pipelines.edges.publisher.messages import Event
from pipelines.edges.publisher.publisher import OrderPublisher

__all__ = ["Event", "EventsUnconfirmed", "OrderPublisher"]
