"""What the simulator means to publish, and what it knows must become of each message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipelines.engine.transport import Message
from schemas.errors import Reason
from schemas.lifecycle import source_kind


class Sender(StrEnum):
    """The simulated services. Partners come in through the shop, operators sit at the CRM, MES computes prices."""

    SHOP = "shop"
    CRM = "crm"
    MES = "mes"


_SENDER_OF = {
    "shop": Sender.SHOP, "partners": Sender.SHOP, "crm": Sender.CRM, "operators": Sender.CRM, "mes": Sender.MES,
    "pricing": Sender.MES,
}  # fmt: skip


def sender_of(source: str) -> Sender:
    """Return the service that publishes the events of a known source."""
    return _SENDER_OF[source_kind(source) or "shop"]


class Fate(StrEnum):
    """What must become of a message: it takes effect, is dropped, is set aside, or waits with its order."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Planned:
    """One message. Those of one order are published one after another, so its `fate` is known before.

    `reason` says why it is quarantined. `due`: not published before then; None: at once. `stray`: how many partitions
    beside its home it goes; 0: home.
    """

    order_id: str
    sender: Sender
    event_id: str
    event_type: str
    body: bytes
    fate: Fate
    reason: Reason | None = None
    due: datetime | None = None
    stray: int = 0

    @property
    def message(self) -> Message:
        """The message as the transport takes it."""
        return Message(self.order_id, self.body, self.event_id, self.event_type)
