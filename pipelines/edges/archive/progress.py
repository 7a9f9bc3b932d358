"""Who is told of every step, and may end the work between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipelines.edges.archive.month import Month


class Step(NamedTuple):
    """Something was done of a month of a dataset: `rows` more were written or compared, `name` says what.

    The names: `begun` (`rows` is how many there are), `cleared`, `written`, `filed`, `listed`, `compared`, `verified`,
    `swapping` (the transaction that swaps is about to commit), `swapped`.
    """

    dataset: str
    month: Month
    name: str
    rows: int = 0


Told = Callable[[Step], None]
"""Called between any two steps, also from other threads, one at a time. What it raises ends the work there."""


def nobody(_: Step) -> None:
    """Be told and do nothing."""
