"""`warren import`: a shop's existing tables to order events."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.environment import current_settings
from cli.exit_codes import FAILED
from cli.output import AsJson, epilog, err, one_line_errors, out, printable, write_json
from cli.urls import POSTGRES, wrong_with
from pipelines.edges.importer import (
    CsvTables,
    ImportResult,
    Mapping,
    QueryTables,
    Reject,
    Tables,
    import_orders,
    load_mapping,
)
from pipelines.edges.publisher import OrderPublisher
from schemas.errors import SettingsError

SHOWN_PROBLEMS = 10
"""So many bad rows are shown; all of them go to --rejects."""

EPILOG = epilog(
    "warren import --mapping docs/examples/olist/mapping.toml orders.csv.gz order_items.csv.gz",
    done="all rows are imported",
    failed="some rows were rejected, all others are imported",
)

MappingFile = Annotated[Path, typer.Option("--mapping", help="The mapping file (TOML); docs/importing.md explains it.")]
Files = Annotated[list[Path] | None, typer.Argument(metavar="CSV...", help="CSV files, plain or .gz, named as tables.")]
Dsn = Annotated[
    str | None,
    typer.Option("--dsn", help="A PostgreSQL database for the mapping's queries, instead of files. PGPASSWORD works."),
]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", help="Write every bad row here: file, line, reason (JSON lines).")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Validate and count; publish nothing, need no server.")]


def import_command(
    mapping: MappingFile,
    files: Files = None,
    dsn: Dsn = None,
    rejects: Rejects = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Turn a shop's tables into order events and publish them. Run twice, it changes nothing.

    A row that gives no valid events is reported and counted, and the rest goes on; mend it and import again.
    """
    with one_line_errors():
        rules = load_mapping(mapping)
        if bool(files) == bool(dsn):
            raise SettingsError("give either CSV files or --dsn; see warren import --help")
        if dsn and (wrong := wrong_with(dsn, POSTGRES)):
            raise SettingsError(f"--dsn: {wrong}")
        with ExitStack() as stack:
            report = stack.enter_context(_reporting(rejects))
            result = asyncio.run(_run(rules, files or [], dsn, dry_run, report))
    for label in result.unmatched:
        err.print(f"warning: no row of joined.{label} belongs to any order; is its key right?")
    if result.rejected > SHOWN_PROBLEMS and rejects is None:
        err.print(f"{result.rejected - SHOWN_PROBLEMS} more bad rows; --rejects FILE lists all")
    if as_json:
        write_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        done = "would give" if dry_run else "gave"
        confirmed = "nothing published" if dry_run else f"{result.confirmed} confirmed"
        out.print(
            f"{result.rows} rows {done} {result.events} events of {result.orders} orders; "
            f"{confirmed}, {result.rejected} rows rejected",
            soft_wrap=True,
        )
    if result.rejected:
        raise typer.Exit(FAILED)


async def _run(
    rules: Mapping, files: list[Path], dsn: str | None, dry_run: bool, report: Callable[[Reject], None]
) -> ImportResult:
    if dsn is None:
        return await _import(rules, CsvTables(files, rules.csv), dry_run, report)
    async with QueryTables(dsn, rules.queries) as tables:
        return await _import(rules, tables, dry_run, report)


async def _import(rules: Mapping, tables: Tables, dry_run: bool, report: Callable[[Reject], None]) -> ImportResult:
    with _progress(tables) as on_progress:
        if dry_run:
            return await import_orders(rules, tables, None, on_reject=report, on_progress=on_progress)
        async with OrderPublisher(current_settings()) as publisher:
            return await import_orders(rules, tables, publisher.publish_many, on_reject=report, on_progress=on_progress)


@contextmanager
def _reporting(path: Path | None) -> Iterator[Callable[[Reject], None]]:
    """Show the first bad rows, and write all of them to `path`."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("wb")) if path else None
        except OSError as error:
            raise SettingsError(f"--rejects {path}: {error.strerror}") from error
        shown = 0

        def report(reject: Reject) -> None:
            nonlocal shown
            if shown < SHOWN_PROBLEMS:
                shown += 1
                err.print(printable(f"rejected {reject.place}: {reject.reason}"), markup=False, soft_wrap=True)
            if file is not None:
                file.write(orjson.dumps(reject.as_json(), option=orjson.OPT_APPEND_NEWLINE))

        yield report


@contextmanager
def _progress(tables: Tables) -> Iterator[Callable[[ImportResult], None]]:
    """A bar on a terminal, by the share of the tables that was read; elsewhere nothing."""
    columns = (TextColumn("importing"), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None if tables.read_share() is None else 1.0)

        def show(result: ImportResult) -> None:
            text = f"{result.events} events of {result.orders} orders, {result.rejected} rejected"
            bar.update(task, completed=tables.read_share() or 0.0, description=text)

        yield show
