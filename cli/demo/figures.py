"""The live figures on stderr: a table on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.demo.progress import Checkpoints
from cli.demo.services import Services
from cli.demo.tally import Tally
from cli.demo.visible import Visibility, percentile

TERMINAL_SECONDS, LINE_SECONDS = 0.5, 5.0
RECENT = 500
"""The percentiles shown are those of so many watched events; those of the JSON are of all."""

_RATE_WINDOW_SECONDS = 5.0


class Figures:
    """Shows how the demo fares until cancelled. `title` says where the board is."""

    def __init__(
        self, title: str, tally: Tally, services: Services, checkpoints: Checkpoints, visibility: Visibility
    ) -> None:
        self._title = title
        self._tally = tally
        self._services = services
        self._checkpoints = checkpoints
        self._visibility = visibility
        self._published = deque([(time.monotonic(), 0)])
        self.doing = "running"

    async def show(self, console: Console) -> None:
        """Show them until cancelled."""
        if not console.is_terminal:
            while True:
                await asyncio.sleep(LINE_SECONDS)
                line = ", ".join(f"{name} {value}" for name, value in self._rows())
                console.print(f"{self.doing}: {line}", soft_wrap=True)
        with Live(self._table(), console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(self._table(), refresh=True)
                await asyncio.sleep(TERMINAL_SECONDS)

    def _table(self) -> Table:
        table = Table(
            title=f"{self._title}   ({self.doing})", title_justify="left", show_header=False, title_style="bold"
        )
        table.add_column(style="dim")
        table.add_column(justify="right", min_width=12)
        for name, value in self._rows():
            table.add_row(name, value)
        return table

    def _rows(self) -> list[tuple[str, str]]:
        tally, progress, seen = self._tally, self._checkpoints.latest, list(self._visibility.milliseconds)[-RECENT:]
        again = tally.uncertain.total()
        return [
            ("published", f"{tally.published:,} ({self._rate():,.0f}/s)"),
            *([("published again", f"{again:,}")] if again else []),
            ("applied", f"{progress.applied:,}"),
            ("duplicates dropped", f"{progress.duplicates:,}"),
            ("quarantined events", f"{progress.quarantined:,}"),
            ("parked events", f"{progress.parked:,}"),
            ("lag", f"{max(0, tally.published - progress.read):,}"),
            ("orders", f"{tally.orders:,} ({self._services.orders_under_way:,} still playing)"),
            ("visible after p50 / p99", f"{_ms(percentile(seen, 0.5))} / {_ms(percentile(seen, 0.99))}"),
        ]

    def _rate(self) -> float:
        now = time.monotonic()
        self._published.append((now, self._tally.published))
        while now - self._published[0][0] > _RATE_WINDOW_SECONDS and len(self._published) > 2:
            self._published.popleft()
        (then, before), (_, latest) = self._published[0], self._published[-1]
        return (latest - before) / (now - then) if now > then else 0.0


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"
