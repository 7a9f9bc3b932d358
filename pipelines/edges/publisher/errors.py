"""What a publisher says when it gives up."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.engine.transport import Message
from schemas.errors import Unconfirmed

_NAMED = 3


class EventsUnconfirmed(Unconfirmed):
    """In time the broker has not confirmed these events of a call; all others of it are in the stream.

    `indexes` are their places in the call, `events` what names them: (order id, event id). They may be in the stream or
    not, and are not sent any more. Publishing them again, as they are, is safe.
    """

    def __init__(self, indexes: Sequence[int], messages: Sequence[Message], why: str) -> None:
        self.events = tuple((message.subject, message.message_id) for message in messages)
        named = ", ".join(f"{event_id} of order {order_id}" for order_id, event_id in self.events[:_NAMED])
        super().__init__(indexes, f"{why} ({named}{', …' if len(self.events) > _NAMED else ''})")
