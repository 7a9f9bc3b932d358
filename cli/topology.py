"""`warren topology`: the super stream and its partitions."""

from __future__ import annotations

import asyncio
import dataclasses

import typer

from cli.environment import current_settings
from cli.output import AsJson, cell, epilog, one_line_errors, out, table, write_json
from cli.partitions import end_offsets
from pipelines.engine.settings import Settings
from pipelines.engine.transport import PartitionInfo, create_super_stream, describe

app = typer.Typer(help="Make and look at the super stream and its partitions.", no_args_is_help=True)


@app.command("apply", epilog=epilog("warren topology apply", done="it is there"))
def apply_command(as_json: AsJson = False) -> None:
    """Make the super stream if it is not there, without retention. Run twice, it changes nothing.

    WARREN_SUPER_STREAM and WARREN_PARTITIONS say which and how many; partitions are never added in place.
    """
    with one_line_errors():
        settings = current_settings()
        created = asyncio.run(_apply(settings))
    if as_json:
        write_json({"super_stream": settings.super_stream, "partitions": settings.partitions, "created": created})
    else:
        what = "created" if created else "was there already"
        out.print(f"Super stream {settings.super_stream}, {settings.partitions} partitions: {what}.")


@app.command("show", epilog=epilog("warren topology show --json", done="shown", failed="there is no such super stream"))
def show_command(as_json: AsJson = False) -> None:
    """Show each partition: who leads it, how many replicas follow, its first and its end offset."""
    with one_line_errors():
        settings = current_settings()
        found = asyncio.run(_show(settings))
    if as_json:
        partitions = [{**dataclasses.asdict(info), "end_offset": end} for info, end in found]
        write_json({"super_stream": settings.super_stream, "partitions": partitions})
        return
    shown = table(
        f"Super stream {settings.super_stream}", "Stream", "Leader", "Followers", "First offset", "End offset"
    )
    for info, end in found:
        first = "empty" if info.first_offset is None else info.first_offset
        shown.add_row(*map(cell, (info.stream, info.leader, info.replicas, first, end)))
    out.print(shown)


async def _apply(settings: Settings) -> bool:
    return await create_super_stream(settings.stream_url, settings.super_stream, settings.partitions)


async def _show(settings: Settings) -> list[tuple[PartitionInfo, int]]:
    found = await describe(settings.stream_url, settings.super_stream)
    return list(zip(found, await end_offsets(settings), strict=True))
