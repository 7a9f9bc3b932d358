"""Boards drawn a moment ago: of one that is asked for again, only what has changed is drawn."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from jinja2 import Environment

from dashboards.operator.fragments import Fragment, View, render
from dashboards.operator.notices import Notice
from dashboards.operator.outboxes import Outboxes
from dashboards.operator.rows import Board

KEPT_SECONDS = 1.0
"""So old the ages may be that a page shows at first; they go on counting in the browser."""


class Drawings:
    """Keeps boards of all orders, of which there are few; those of some orders only are without number."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._kept: dict[View, tuple[float, dict[str, Fragment]]] = {}

    def draw(self, view: View, board: Board, outboxes: Outboxes, said: Sequence[Notice]) -> Mapping[str, Fragment]:
        """Return the board's fragments, each as it is now or, where it says the same, as drawn a moment ago."""
        now = time.monotonic()
        drawn_at, before = self._kept.get(view, (0.0, None))
        if before is not None and now - drawn_at < KEPT_SECONDS:
            return render(self._environment, view, board, outboxes, said, before)
        fragments = render(self._environment, view, board, outboxes, said)
        if not view.question.narrows:
            self._kept[view] = now, fragments
        return fragments
