"""An order's life as one bar, a part for each stay, as wide as it was long; and how long each holder had it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dashboards.operator.order.spans import Span

WIDTH, HEIGHT = 1000, 30

_VISIBLE = 6.0


@dataclass(frozen=True, slots=True)
class Part:
    """A stay, from `left` on `width` wide; its last `late` were past the stage's target."""

    span: Span
    left: float
    width: float
    late: float


@dataclass(frozen=True, slots=True)
class Held:
    """How long a holder had the order, all stays together, and the share of its whole life in percent."""

    holder: str
    time: timedelta
    share: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Of all stays that were measured, first to last; holders in the sequence in which they first had the order."""

    parts: tuple[Part, ...]
    holders: tuple[Held, ...]
    whole: timedelta


def picture(spans: Sequence[Span]) -> Picture | None:
    """Draw the stays, in a picture `WIDTH` wide; None where none was measured yet."""
    measured = [(span, span.held) for span in spans if span.held is not None]
    whole = sum((held for _, held in measured), timedelta())
    if not whole:
        return None
    # What is too short to be seen gets a little of what the others have.
    widths = [max(_VISIBLE, WIDTH * (held / whole)) for _, held in measured]
    scale = WIDTH / sum(widths)
    parts, left = [], 0.0
    for (span, held), width in zip(measured, widths, strict=True):
        late = 0.0 if span.overdue is None or not held else width * (span.overdue / held)
        parts.append(Part(span, round(left, 2), round(width * scale, 2), round(late * scale, 2)))
        left += width * scale
    times: dict[str, timedelta] = {}
    for span, held in measured:
        times[span.holder] = times.get(span.holder, timedelta()) + held
    holders = tuple(Held(holder, time, round(100 * (time / whole))) for holder, time in times.items())
    return Picture(tuple(parts), holders, whole)
