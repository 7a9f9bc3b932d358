"""`warren tail`: the events as they stand in the stream."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import typer
from rich.highlighter import JSONHighlighter

from cli.environment import current_settings
from cli.output import epilog, json_text, one_line_errors, out, printable, write_json
from cli.records import Recorded, records
from pipelines.engine.settings import Settings
from pipelines.engine.transport import body_of, partition_count
from schemas.errors import EventRejected, SettingsError
from schemas.streams import partition_of

app = typer.Typer()

_highlight = JSONHighlighter()


@app.command(
    "tail",
    epilog=epilog(
        "warren tail --order A17",
        "warren tail --follow --json | jq .event.type",
        done="shown, or ended by Ctrl-C",
        failed="there is no such stream or offset",
    ),
)
def tail_command(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new events until Ctrl-C.")] = False,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition; default: all.")] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="first|next|OFFSET",
            help="Where to begin; an offset needs --partition or --order. Default: next with --follow, else first.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option("-n", "--count", min=1, help="End after so many events.")] = None,
    order: Annotated[str | None, typer.Option(help="Only this order's events, from its home partition.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="No colours, not even on a terminal.")] = False,
) -> None:
    """Print events as JSON lines: partition, offset, recorded_at, event. Takes part in no consumer group.

    What is there already comes in the order in which it was recorded. A message that holds no JSON is shown with the
    reason, and its bytes as text with escapes.
    """
    wish = _Wish(begin or ("next" if follow else "first"), follow, partition, order, count, as_json)
    with one_line_errors(), suppress(KeyboardInterrupt):
        asyncio.run(_tail(current_settings(), wish))


@dataclass(frozen=True, slots=True)
class _Wish:
    begin: str
    follow: bool
    partition: int | None
    order: str | None
    count: int | None
    as_json: bool


async def _tail(settings: Settings, wish: _Wish) -> None:
    shown = 0
    partitions = await _partitions(settings, wish)
    async with aclosing(records(settings, partitions, wish.begin, follow=wish.follow)) as found:
        async for record in found:
            line = _line(record)
            if wish.order is None or _is_about(wish.order, line):
                _write(line, wish.as_json)
                shown += 1
                if shown == wish.count:
                    return


async def _partitions(settings: Settings, wish: _Wish) -> list[int]:
    """Return the partitions to read. Raises SettingsError where the wish makes no sense."""
    if wish.begin not in ("first", "next") and not wish.begin.isdecimal():
        raise SettingsError(f"--from {wish.begin}: say first, next or an offset")
    partitions = await partition_count(settings.stream_url, settings.super_stream)
    if wish.order is not None:
        home = partition_of(wish.order, partitions)
        if wish.partition not in (None, home):
            raise SettingsError(f"order {wish.order} is in partition {home}; leave --partition out")
        return [home]
    if wish.partition is None:
        if wish.begin.isdecimal():
            raise SettingsError("an offset belongs to one partition: add --partition or --order")
        return list(range(partitions))
    if wish.partition >= partitions:
        raise SettingsError(f"there is no partition {wish.partition}; they are numbered 0 to {partitions - 1}")
    return [wish.partition]


def _line(record: Recorded) -> dict[str, Any]:
    place = {"partition": record.partition, "offset": record.offset, "recorded_at": record.recorded_at}
    body = record.record
    try:
        body = body_of(record.record)
        return {**place, "event": orjson.loads(body)}
    except EventRejected as error:
        why = error.detail
    except orjson.JSONDecodeError as error:
        why = f"not JSON: {error}"
    return {**place, "event": None, "undecodable": why, "raw": printable(body.decode(errors="backslashreplace"))}


def _is_about(order: str, line: dict[str, Any]) -> bool:
    event = line["event"]
    return isinstance(event, dict) and event.get("subject") == order


def _write(line: dict[str, Any], as_json: bool) -> None:
    if as_json or not out.is_terminal:
        write_json(line)
    else:
        out.print(_highlight(printable(json_text(line))), soft_wrap=True)
