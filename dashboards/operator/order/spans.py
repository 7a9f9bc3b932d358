"""An order's story as the page draws it: one span per stage it was in, with the events that fell into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboards.operator.rows import Entry, Story, target_of
from schemas.lifecycle import FINAL

_VISIBLE = 0.8


@dataclass(slots=True)
class Span:
    """A stay in one stage. `events` begins with the one that led there, save in the first span of an order that
    was not opened yet.

    `held` is how long it lasted, or has lasted where `current`; None where nobody measured it. `share` is that as a
    percentage of the order's longest stay, never too small to be seen.
    """

    stage: str
    holder: str
    current: bool = False
    held: timedelta | None = None
    target: timedelta | None = None
    share: float = 0.0
    events: list[Entry] = field(default_factory=list)

    @property
    def since(self) -> datetime:
        """When it began, by the clock of the event that led there."""
        return self.events[0].event_time

    @property
    def overdue(self) -> timedelta | None:
        """How far past its target the stay went; None: not at all."""
        if self.held is None or self.target is None or self.held <= self.target:
            return None
        return self.held - self.target


def spans(story: Story, now: datetime) -> list[Span]:
    """Return the order's stays, first to last. The last one is current unless the order is finished."""
    found: list[Span] = []
    for entry in story.timeline:
        if not found or entry.stage != found[-1].stage:
            if found and entry.held_seconds is not None:
                found[-1].held = timedelta(seconds=entry.held_seconds)
            found.append(Span(entry.stage, entry.holder, target=target_of(entry.stage)))
        found[-1].events.append(entry)
        found[-1].holder = entry.holder
    if found and story.card is not None and found[-1].stage not in FINAL:
        found[-1].current = True
        found[-1].held = story.card.held(now)
    longest = max((span.held for span in found if span.held), default=None)
    for span in found:
        if span.held and longest:
            span.share = max(_VISIBLE, round(100 * (span.held / longest), 2))
    return found
