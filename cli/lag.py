"""`warren lag`: how far the live pipeline is behind the stream."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import typer

from cli.database import live_views
from cli.environment import current_settings
from cli.output import AsJson, cell, epilog, one_line_errors, out, table, write_json
from cli.standing import PartitionLag, lags
from cli.wording import duration
from pipelines.engine.settings import Settings

app = typer.Typer()


@app.command("lag", epilog=epilog("warren lag --json", done="shown, whatever the lag"))
def lag_command(as_json: AsJson = False) -> None:
    """Show how many events wait in each partition, for how long, and who owns it.

    The oldest event's age is taken from when the log recorded it, by this machine's clock.
    """
    with one_line_errors():
        name, found = asyncio.run(_look(current_settings()))
    waiting = sum(lag.events for lag in found)
    seconds = max((lag.seconds for lag in found if lag.seconds is not None), default=None)
    if as_json:
        total = {"events": waiting, "seconds": seconds}
        write_json({"pipeline": name, "partitions": [dataclasses.asdict(lag) for lag in found], "total": total})
        return
    shown = table(f"Pipeline {name}", "Partition", "End", "Next", "Waiting", "Oldest", "Epoch", "Owner")
    for lag in found:
        oldest = None if lag.seconds is None else duration(timedelta(seconds=lag.seconds))
        owner = lag.owner if lag.owned or not lag.owner else f"{lag.owner} (gone)"
        style = "" if lag.owned else "yellow"
        cells = [
            cell(value) for value in (lag.partition, lag.end_offset, lag.next_offset, lag.events, oldest, lag.epoch)
        ]
        shown.add_row(*cells, cell(owner or "nobody yet", style))
    out.print(shown)
    age = "" if seconds is None else f", the oldest for {duration(timedelta(seconds=seconds))}"
    out.print(f"{waiting} events wait{age}.")


async def _look(settings: Settings) -> tuple[str, list[PartitionLag]]:
    async with live_views(settings) as live:
        return str(live.instance), await lags(settings, live)
