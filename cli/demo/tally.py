"""What the simulator knows it has published, and what must therefore be found. Memory does not grow with the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cli.demo.planned import Fate, Planned
from schemas.errors import Reason


class Tally:
    """Counts messages as they are confirmed.

    `uncertain` counts, by fate, what was published again because the broker had not confirmed it: the stream may hold
    so many more of them.
    """

    def __init__(self) -> None:
        self.fates: Counter[Fate] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self.uncertain: Counter[Fate] = Counter()
        self.orders = 0

    def confirmed(self, message: Planned, *, first_of_order: bool) -> None:
        """Count a message the broker has; `first_of_order`: the order's first one to take effect."""
        self.fates[message.fate] += 1
        if message.reason is not None:
            self.reasons[message.reason] += 1
        self.orders += first_of_order

    def unconfirmed(self, messages: Iterable[Planned]) -> None:
        """Count messages that will be published again."""
        self.uncertain.update(message.fate for message in messages)

    @property
    def published(self) -> int:
        """Messages confirmed."""
        return self.fates.total()

    @property
    def distinct(self) -> int:
        """Different messages: good events by their identity, and bad messages each by itself."""
        return self.published - self.fates[Fate.DUPLICATE]
