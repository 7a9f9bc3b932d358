"""`warren order`: one order's story."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.environment import current_settings
from cli.output import AsJson, cell, epilog, fail, one_line_errors, out, write_json
from cli.wording import duration, moment
from dashboards.operator.database import Database
from dashboards.operator.metrics import Metrics
from dashboards.operator.rows import Card, Entry, Story
from pipelines.edges.archive.reading import ArchivedEvents
from pipelines.engine.settings import Settings
from schemas.erasure import ERASED

app = typer.Typer(help="Look at one order.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at one order."""


@app.command("show", epilog=epilog("warren order show A17 --json", done="shown", failed="there is no such order"))
def show_command(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The order's id, as its events have it.")],
    as_json: AsJson = False,
) -> None:
    """Show where an order is, who holds it, for how long, whether it is stuck, and everything that happened to it."""
    with one_line_errors():
        story = asyncio.run(_story(current_settings(), order_id))
    if story is None:
        fail(f"no event of order {order_id!r} has been accepted; see `warren lag` and `warren quarantine list`")
    now = datetime.now(UTC)
    if as_json:
        write_json(_as_json(story, now))
    else:
        out.print(_for_people(story, now))


async def _story(settings: Settings, order_id: str) -> Story | None:
    # The write database: an SRE who has just acted wants to see it.
    database = Database(settings.postgres_dsn, Metrics(), ArchivedEvents(settings.archive_url))
    await database.open()
    try:
        story, _ = await database.story(order_id)
        return story
    finally:
        await database.close()


def _as_json(story: Story, now: datetime) -> dict[str, Any]:
    card = story.card
    state: dict[str, Any] | None = None
    if card is not None:
        overdue = None if story.closed_at else card.overdue(now)
        state = dataclasses.asdict(card) | {
            "held_seconds": None if story.closed_at else card.held(now).total_seconds(),
            "stuck": overdue is not None,
            "overdue_seconds": None if overdue is None else overdue.total_seconds(),
            "closed_at": story.closed_at,
        }
    return {
        "order_id": story.order_id,
        "state": state,
        "timeline": [dataclasses.asdict(entry) for entry in story.timeline],
        "parked": [dataclasses.asdict(event) for event in story.parked],
        "missing": story.missing,
        "pipeline": str(story.standing.instance),
        "read_at": story.standing.read_at,
    }


def _for_people(story: Story, now: datetime) -> Group:
    parts: list[RenderableType] = [Text.assemble("Order ", (str(cell(story.order_id)), "bold"))]
    if story.card is not None:
        parts += [_state(story.card, story.closed_at, now), _facts(story.card)]
    parts += [Text(), _timeline(story.timeline)]
    if story.missing:
        hint = f": {cell(story.why)}" if story.why else "; see `warren archive verify` and `warren audit`"
        parts += [Text(), Text.assemble((f"{story.missing} more events are in the archive", "bold yellow"), hint)]
    if story.parked:
        first = story.parked[0]
        why = Text.assemble((f"{len(story.parked)} events wait, parked", "bold red"), ": ", cell(first.reason))
        parts += [Text(), why, Text("next: mend what the reason says, then `warren parked release`", style="dim")]
    return Group(*parts)


def _state(card: Card, closed_at: datetime | None, now: datetime) -> Text:
    if closed_at is not None:
        return Text.assemble((card.stage, "bold green"), f" since {moment(card.stage_since)}")
    state = Text.assemble((card.stage, "bold"), f", held by {card.holder} for {duration(card.held(now))}")
    overdue = card.overdue(now)
    if overdue is not None:
        state.append(f"  STUCK, {duration(overdue)} past its target", style="bold red")
    return state


def _facts(card: Card) -> Text:
    price = None if card.price_amount is None else f"{card.price_amount} {card.price_currency}"
    customer = "erased" if card.customer_id == ERASED else card.customer_id
    known = {"partner": card.partner, "customer": customer, "price": price}
    facts = [f"{name} {cell(value)}" for name, value in known.items() if value is not None]
    facts += [f"{card.revision} events", f"opened {moment(card.opened_at)}"]
    text = Text(", ".join(facts))
    if card.anomalies:
        text.append(f", {card.anomalies} of them out of the ordinary", style="yellow")
    return text


def _timeline(entries: tuple[Entry, ...]) -> Table:
    """Two lines an event: what happened, and where it leads back to (I10)."""
    shown = Table.grid(padding=(0, 2))
    holder = ""
    for entry in entries:
        step = Text.assemble((_name(entry.event_type), "bold"), f" from {cell(entry.source)}")
        if entry.holder != holder:
            step.append(f" → {entry.holder}")
        if entry.held_seconds is not None:
            step.append(f", after {duration(timedelta(seconds=entry.held_seconds))}", style="cyan")
        if entry.anomalies:
            step.append(f"  ! {', '.join(entry.anomalies)}", style="yellow")
        if entry.gist:
            step.append(f"\n{cell(entry.gist)}")
        origin = f"{entry.partition}:{entry.stream_offset} {cell(entry.event_id)}"
        step.append(f"\n{origin} trace {entry.trace_id or '-'}", style="dim")
        shown.add_row(Text(moment(entry.event_time), no_wrap=True), step)
        holder = entry.holder
    return shown


def _name(event_type: str) -> str:
    """`order.submitted.v1` is told as `submitted`; a type that is none of ours in full."""
    parts = event_type.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "order" else str(cell(event_type))
