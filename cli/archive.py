"""`warren archive`: months that are over leave the database, are verified, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.environment import current_settings
from cli.exit_codes import FAILED
from cli.output import AsJson, cell, epilog, err, one_line_errors, out, table, write_json
from pipelines.engine.stores.instances import InstanceName

if TYPE_CHECKING:
    from pipelines.edges.archive.months import MonthState
    from pipelines.edges.archive.progress import Step, Told

app = typer.Typer(help="Months that are over: let them leave the database, verify them, bring them back.")

Instance = Annotated[str, typer.Option(help="The pipeline instance whose months are meant.")]

_BROKEN = "files missing or altered"


@app.callback()
def _group() -> None:
    """Months that are over: let them leave the database, verify them, bring them back."""


@app.command(
    "run", epilog=epilog("warren archive run", "warren archive run --dry-run", done="all that may leave has left")
)
def run_command(
    instance: Instance = "views@1",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which months would leave.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let every month leave that is older than WARREN_ARCHIVE_AFTER_MONTHS and can get no more rows.

    Its rows are written to files, read back and compared; only then they leave the database. It may be killed at any
    moment and run again, while the pipeline goes on.
    """
    with one_line_errors():
        from pipelines.edges.archive.leaving import archive

        if dry_run:
            states = asyncio.run(_survey(instance))
        else:
            with _shown("archiving", 2) as told:
                states = asyncio.run(archive(current_settings(), InstanceName.parse(instance), now(), told))
    left = [state for state in states if (state.due if dry_run else state.state == "archived")]
    waiting = [state for state in states if state.state == "waiting" and not state.due]
    if as_json:
        write_json({"dry_run": dry_run, "left": [_plain(s) for s in left], "waiting": [_plain(s) for s in waiting]})
        return
    for state in left:
        verb = "would leave" if dry_run else "left"
        out.print(f"{state.month} {state.dataset.name}: {verb}, {_rows(state)} rows, {decimal(state.size)}")
    for state in waiting:
        out.print(f"{state.month} {state.dataset.name}: stays: {state.why}", markup=False)
    if not left and not waiting:
        out.print("Nothing is old enough to leave.")


@app.command("status", epilog=epilog("warren archive status --json", done="shown"))
def status_command(instance: Instance = "views@1", as_json: AsJson = False) -> None:
    """Show every month: in the database, archived, or waiting to leave and for what.

    Rows of months in the database are PostgreSQL's own estimate.
    """
    with one_line_errors():
        states = asyncio.run(_survey(instance))
    if as_json:
        write_json([_plain(state) for state in states])
        return
    shown = table(f"Months of {instance}", "Month", "Dataset", "State", "Rows", "Size", "Why")
    for state in states:
        style = {"live": "", "waiting": "yellow", "archived": "green"}[state.state]
        shown.add_row(
            cell(state.month), cell(state.dataset.name), cell(state.state, style), cell(_rows(state)),
            cell(decimal(state.size)), cell(state.why),
        )  # fmt: skip
    out.print(shown)


@app.command(
    "verify", epilog=epilog("warren archive verify --json", done="every file is as it was written", failed=_BROKEN)
)
def verify_command(instance: Instance = "views@1", as_json: AsJson = False) -> None:
    """Read all files of all archived months anew: are they there, whole, sorted, and of their month?"""
    with one_line_errors():
        from pipelines.edges.archive.checking import check_archive

        with _shown("verifying", 1) as told:
            checked = asyncio.run(check_archive(current_settings(), InstanceName.parse(instance), told))
    wrong = [line for one in checked for line in one.wrong]
    if as_json:
        write_json({"months": [{**one._asdict(), "month": str(one.month)} for one in checked], "clean": not wrong})
    else:
        for one in checked:
            for line in one.wrong:
                out.print(f"{one.month} {one.dataset}: {line}", markup=False)
        rows = sum(one.rows for one in checked)
        verdict = "Clean" if not wrong else f"{len(wrong)} files are not as they were written"
        out.print(f"{verdict}: {len(checked)} months of timeline and orders, {rows:,} rows.")
    if wrong:
        raise typer.Exit(FAILED)


@app.command("restore", epilog=epilog("warren archive restore 2026-03", done="it is back"))
def restore_command(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="The month, as 2026-03.")],
    instance: Instance = "views@1",
    as_json: AsJson = False,
) -> None:
    """Bring a month back into the database. Its files stay.

    The next `warren archive run` lets it leave again, unless WARREN_ARCHIVE_AFTER_MONTHS has grown.
    """
    with one_line_errors():
        from pipelines.edges.archive.month import Month
        from pipelines.edges.archive.restoring import restore

        wanted, name = Month.parse(month), InstanceName.parse(instance)
        with _shown("restoring", 2) as told:
            came = asyncio.run(restore(current_settings(), name, wanted, told))
    if as_json:
        write_json({"month": str(wanted), "restored": [{"dataset": one.dataset, "rows": one.rows} for one in came]})
        return
    for one in came:
        out.print(f"{wanted} {one.dataset}: back in the database, {one.rows:,} rows; its files stay")


def now() -> datetime:
    """Return the moment by which months are old."""
    return datetime.now(UTC)


async def _survey(instance: str) -> list[MonthState]:
    # pyarrow takes its time to load, and most verbs need none of it.
    from pipelines.edges.archive.months import look

    return await look(current_settings(), InstanceName.parse(instance), now())


@contextmanager
def _shown(doing: str, passes: int) -> Iterator[Told]:
    """Show a bar for each month, which is gone over so many times."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(doing, total=None)

        def told(step: Step) -> None:
            if step.name == "begun":
                doing_it = f"{doing} {step.dataset} {step.month}"
                bar.reset(task, total=passes * step.rows or None, description=doing_it)
            else:
                bar.advance(task, step.rows)

        yield told


def _rows(state: MonthState) -> str:
    return f"{state.rows:,}" if state.state == "archived" else f"about {state.rows:,}"


def _plain(state: MonthState) -> dict[str, Any]:
    return {
        "month": str(state.month),
        "dataset": state.dataset.name,
        "state": state.state,
        "why": state.why or None,
        "rows": state.rows,
        "bytes": state.size,
        "archived_at": state.archived_at,
    }
