"""What an erasure did, and what keeps it from being finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Told = Callable[[str], None]
"""Told what is being looked at, in a few words."""


@dataclass(slots=True)
class Erasure:
    """What was found and, unless it was only looked for, taken away.

    `orders` are all of the customer; `events` and `messages` are those whose bytes were taken out of timeline and
    quarantine, `months` those whose files in the archive were written anew. `parked` orders have events that wait and
    keep their bytes until they are released. `leftover` are folders of the archive that belong to no month that is
    there, of a month that was restored say, and may have the customer in them.
    """

    orders: int = 0
    events: int = 0
    messages: int = 0
    months: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether nothing is left."""
        return not self.parked and not self.leftover
