"""`warren parked`: orders that cannot go on, and how to let them."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Annotated

import asyncpg
import typer

from cli.database import live_views
from cli.environment import current_settings
from cli.exit_codes import FAILED
from cli.output import AsJson, cell, epilog, one_line_errors, out, printable, table, write_json
from cli.releasing import Release, release
from cli.wording import moment
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql

app = typer.Typer(help="Look at orders that wait, parked, and let them go on.", no_args_is_help=True)

_LIST = named_sql(__package__, "parked_list")


@app.command("list", epilog=epilog("warren parked list --json", done="shown, also if none"))
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the longest waiting first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the orders that wait, with how many events each and why."""
    with one_line_errors():
        found = asyncio.run(_list(current_settings(), limit + 1))
    rows, more = found[:limit], len(found) > limit
    if as_json:
        write_json({"parked": [dict(row) for row in rows], "more": more})
        return
    if not rows:
        out.print("No order is parked.")
        return
    shown = table("Parked orders", "Order", "Events", "First", "Parked (UTC)", "Why")
    for row in rows:
        first = f"{row['partition']}:{row['first_offset']}"
        shown.add_row(*map(cell, (row["order_id"], row["events"], first, moment(row["parked_at"]), row["reason"])))
    out.print(shown)
    if more:
        out.print(f"There are more; --limit shows more than {limit}.")
    out.print("Next: do what the reason says, then `warren parked release ORDER --wait`.")


@app.command(
    "release",
    epilog=epilog(
        "warren parked release A17 --reason 'deployed 1.4.2' --wait",
        done="asked; with --wait: nothing of the order waits any more",
        failed="the order is not parked; with --wait: it still is, or the pipeline has not come to it",
    ),
)
def release_command(
    order: Annotated[str, typer.Argument(help="The order's id.")],
    author: Annotated[str, typer.Option(envvar=["USER", "LOGNAME"], help="Who asks; goes into the order's story.")],
    reason: Annotated[str | None, typer.Option(help="Why now; goes into the order's story.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for what comes of it.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Wait at most so many seconds.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Ask for an order's parked events to be tried again, in stream order.

    It publishes an `order.released.v1` event and touches no table: the pipeline tries when it comes to the event.
    What still cannot be read or applied stays parked, with all behind it; nothing is skipped.
    """
    with one_line_errors():
        result = asyncio.run(release(current_settings(), order, author, reason, timeout if wait else None))
    if as_json:
        write_json(dataclasses.asdict(result))
    else:
        out.print(printable(_told(result)), markup=False, soft_wrap=True)
    if wait and result.waiting != 0:
        raise typer.Exit(FAILED)


def _told(result: Release) -> str:
    order, were = result.order_id, result.were_waiting
    if result.tried is None:
        return f"Asked to try the {were} parked events of order {order} again; `warren order show {order}` tells."
    if not result.tried:
        return "Asked, but the pipeline has not come to it yet; is it running? `warren lag` tells."
    if result.waiting == 0:
        return f"Released: the {were} parked events of order {order} have taken effect."
    return (
        f"Order {order} is still parked: {result.waiting} events wait, the release among them. Nothing was skipped. "
        f"The first waits because {result.why}."
    )


async def _list(settings: Settings, limit: int) -> list[asyncpg.Record]:
    async with live_views(settings) as live:
        rows: list[asyncpg.Record] = await live.connection.fetch(_LIST, limit)
        return rows
