"""Collects findings: all are counted, the first of each kind are kept by name."""

from __future__ import annotations

from collections import Counter

from pipelines.audit.report import FIGURE_OF, Figure, Finding, Kind

KEPT_PER_KIND = 100
"""So that memory stays flat, and one kind of fault does not hide the others."""


class Findings:
    """What the audit has found so far."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self._seen: Counter[Kind] = Counter()
        self._gaps = 0

    def add(
        self,
        kind: Kind,
        detail: str,
        *,
        order_id: str | None = None,
        partition: int | None = None,
        offset: int | None = None,
        source: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """Count a finding, and keep it unless there are KEPT_PER_KIND of its kind."""
        self._seen[kind] += 1
        if self._seen[kind] <= KEPT_PER_KIND:
            self.kept.append(
                Finding(
                    kind=kind,
                    figure=FIGURE_OF[kind],
                    detail=detail,
                    order_id=order_id,
                    partition=partition,
                    offset=offset,
                    source=source,
                    event_id=event_id,
                )
            )

    def add_gap(self) -> None:
        """Count one more order whose timeline is not the stream's sequence of its events, however many rows differ."""
        self._gaps += 1

    @property
    def left_out(self) -> int:
        """How many findings were counted but not kept."""
        return self._seen.total() - len(self.kept)

    def figure(self, figure: Figure) -> int:
        """Return a figure: findings, or orders for `order_gaps`."""
        if figure is Figure.ORDER_GAPS:
            return self._gaps
        return sum(number for kind, number in self._seen.items() if FIGURE_OF[kind] is figure)
