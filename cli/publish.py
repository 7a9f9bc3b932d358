"""`warren publish`: events from a file or a pipe into the stream, validated and confirmed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.environment import current_settings
from cli.exit_codes import FAILED
from cli.lines import lines_of
from cli.output import AsJson, epilog, err, one_line_errors, out, printable, write_json
from pipelines.edges.publisher import OrderPublisher
from pipelines.engine.settings import Settings
from schemas.errors import EventRejected, UnknownVersion
from schemas.orders import parse

app = typer.Typer()

BATCH_EVENTS = 1000
"""At most so many events wait for their confirms at once."""


@dataclass(slots=True)
class Published:
    """How many events were `read`, `confirmed` by the broker, and `rejected`: not sent."""

    read: int = 0
    confirmed: int = 0
    rejected: int = 0


@app.command(
    "publish",
    epilog=epilog(
        "warren publish events.jsonl",
        "shop-events | warren publish - --json",
        done="all are confirmed",
        failed="some lines were rejected, the rest is confirmed",
    ),
)
def publish_command(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, a CloudEvent each; - is standard input.")],
    as_json: AsJson = False,
) -> None:
    """Publish order events and wait until the broker has confirmed them.

    A line that is no event is reported with its number and reason and is not sent; the rest goes on. If the command
    ends early, run it again: events that are in the stream already take effect once.
    """
    done = Published()
    try:
        with one_line_errors():
            size = None if file == "-" else Path(file).stat().st_size or None  # a pipe with a name has no size
            asyncio.run(_publish(current_settings(), file, size, done))
    finally:
        if as_json:
            write_json(asdict(done))
        else:
            out.print(f"{done.read} events read, {done.confirmed} confirmed, {done.rejected} rejected.")
    if done.rejected:
        raise typer.Exit(FAILED)


async def _publish(settings: Settings, file: str, size: int | None, done: Published) -> None:
    columns = (TextColumn("publishing"), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=size)

        def show(taken: int) -> None:
            bar.update(task, advance=taken, description=f"{done.confirmed} confirmed, {done.rejected} rejected")

        async with OrderPublisher(settings) as publisher:
            async for first, lines in lines_of(file, BATCH_EVENTS):
                good = _good_events(first, lines, done)
                if good:
                    await publisher.publish_many(good)
                done.confirmed += len(good)
                show(sum(map(len, lines)) + len(lines))


def _good_events(first: int, lines: list[bytes], done: Published) -> list[bytes]:
    """Return those of the lines, the first of which has number `first`, that are events; report the others."""
    good = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        done.read += 1
        try:
            parse(line)
            good.append(line)
        except (EventRejected, UnknownVersion) as error:
            done.rejected += 1
            err.print(f"line {number}: {printable(str(error))}", markup=False, soft_wrap=True)
    return good
