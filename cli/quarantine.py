"""`warren quarantine`: events that may not take effect, and why."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from cli.database import live_views
from cli.environment import current_settings
from cli.output import AsJson, cell, epilog, fail, one_line_errors, out, printable, table, write_json
from cli.wording import moment
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from schemas.errors import Reason, SettingsError

app = typer.Typer(help="Look at the events that may not take effect.", no_args_is_help=True)

_LIST = named_sql(__package__, "quarantine_list")
_SHOW = named_sql(__package__, "quarantine_show")

_PLACE = re.compile(r"^([0-9]{1,4}):([0-9]{1,18})$")


@app.command("list", epilog=epilog("warren quarantine list --reason invalid --limit 20", done="shown, also if none"))
def list_command(
    reason: Annotated[Reason | None, typer.Option(help="Only those set aside for this.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were dropped or corrected.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest quarantined events that wait for somebody to look at them."""
    with one_line_errors():
        found = asyncio.run(_fetch(current_settings(), _LIST, reason, everything, limit + 1))
    rows, more = found[:limit], len(found) > limit
    if as_json:
        write_json({"quarantined": [dict(row) for row in rows], "more": more})
        return
    if not rows:
        out.print("Nothing is in quarantine." if everything else "Nothing in quarantine waits; --all shows what did.")
        return
    shown = table("Quarantined", "Event", "Recorded (UTC)", "Why", "What is known of it")
    for row in rows:
        place = f"{row['partition']}:{row['stream_offset']}"
        known = ", ".join(row[name] for name in ("event_type", "source", "subject") if row[name])
        why = Text.assemble((row["reason"], "bold"), ": ", cell(row["detail"]))
        if row["settled"]:
            why.append(f"\n{row['settled']} by {cell(row['settled_by'])}", style="dim")
        shown.add_row(cell(place), cell(moment(row["recorded_at"])), why, cell(known))
    out.print(shown)
    if more:
        out.print(f"There are more; --limit shows more than {limit}.")


@app.command("show", epilog=epilog("warren quarantine show 3:1204", done="shown", failed="there is no such event"))
def show_command(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As `quarantine list` gives it.")],
    as_json: AsJson = False,
) -> None:
    """Show one quarantined event: why it is there, what is known of it, and its bytes, as text with escapes."""
    with one_line_errors():
        match = _PLACE.match(place)
        if match is None:
            raise SettingsError(f"{place!r} is no PARTITION:OFFSET, such as 3:1204")
        found = asyncio.run(_fetch(current_settings(), _SHOW, int(match.group(1)), int(match.group(2))))
    if not found:
        fail(f"no event {place} is in quarantine; see `warren quarantine list`")
    event: dict[str, Any] = dict(found[0])
    body = bytes(event.pop("body"))
    event |= {"size_bytes": len(body), "body": printable(body.decode(errors="backslashreplace"))}
    if as_json:
        write_json(event)
        return
    shown = Table.grid(padding=(0, 2))
    for name, value in event.items():
        shown.add_row(cell(name.replace("_", " "), "dim"), cell(value))
    out.print(shown)


async def _fetch(settings: Settings, query: str, *values: object) -> list[asyncpg.Record]:
    async with live_views(settings) as live:
        rows: list[asyncpg.Record] = await live.connection.fetch(query, *values)
        return rows
