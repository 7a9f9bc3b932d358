"""`warren audit`: the proof that nothing is lost and nothing counts twice."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.environment import current_settings
from cli.exit_codes import FAILED, UNAVAILABLE
from cli.localservers.errors import ServicesError
from cli.output import (
    AsJson,
    cell,
    epilog,
    err,
    fail,
    one_line_errors,
    out,
    printable,
    table,
    write_json,
)
from cli.server_errors import database_trouble, worded
from pipelines.audit import AuditReport, Finding, audit
from pipelines.audit.report import FAULTS
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import SettingsError, WarrenError

app = typer.Typer()

_FIGURES = {
    "events_in_stream": "read, up to the checkpoints as they stood at the start",
    "distinct": "without the duplicates",
    "duplicates": "the same event again, dropped",
    "applied": "have taken effect",
    "quarantined": "events that may not take effect, and stand in quarantine",
    "parked": "events that wait for their order's release",
    "pending": "came later, not audited",
    "orders": "with an accepted event",
    "unsettled": "orders that went on all the time; their row in the views was not compared",
    "reused_ids": "a source and id under several orders: a producer's error",
    "lost": "stand nowhere, or not where they belong",
    "doubled": "count more than once, or never were",
    "order_gaps": "orders whose timeline is not the stream's sequence",
    "mismatches": "stages, prices, counts and rows that are not what the events say",
}


@app.command(
    "audit",
    epilog=epilog(
        "warren audit",
        "warren audit --json | jq '.findings[]'",
        done="nothing lost, doubled, out of order or different",
        failed="faults found",
    )
    + " 3 is also the answer where the audit cannot run for another reason; one line on stderr says which.",
)
def audit_command(
    instance: Annotated[str, typer.Option(help="The pipeline instance to audit.")] = "views@1",
    as_json: AsJson = False,
) -> None:
    """Compare the whole stream with ledger, timeline, views, quarantine and parked events, and name each difference.

    It changes nothing and may run while the pipeline does. docs/audit.md says what each figure means.
    """
    report = _run(instance)
    if as_json:
        write_json(report.model_dump(mode="json"))
    else:
        _show(report)
    if not report.clean:
        raise typer.Exit(FAILED)


def _run(instance: str) -> AuditReport:
    # Exit code 1 is for faults found, so whatever keeps the audit from running has another.
    with one_line_errors():
        try:
            return asyncio.run(_audit(current_settings(), instance))
        except SettingsError:
            raise
        except (WarrenError, ServicesError) as error:
            fail(worded(error), UNAVAILABLE)
        except DATABASE_ERRORS as error:
            fail(database_trouble(error), UNAVAILABLE)


async def _audit(settings: Settings, instance: str) -> AuditReport:
    columns = (TextColumn("auditing"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, steps: int) -> None:
            bar.update(task, completed=done, total=steps)

        return await audit(settings, instance, show)


def _show(report: AuditReport) -> None:
    figures = table(f"Audit of {report.instance}, {report.seconds:g} s", "Figure", "Number", "What it counts")
    for name, meaning in _FIGURES.items():
        number = getattr(report, name)
        style = "bold red" if name in FAULTS and number else ""
        figures.add_row(cell(name, style), cell(number, style), cell(meaning))
    out.print(figures)
    for finding in report.findings:
        out.print(_line(finding), markup=False, soft_wrap=True)
    if report.findings_left_out:
        out.print(f"... and {report.findings_left_out} findings more; at most a hundred of a kind are named.")
    out.print("Clean." if report.clean else "Faults found.", style="bold green" if report.clean else "bold red")


def _line(finding: Finding) -> str:
    names = [
        f"order {finding.order_id}" if finding.order_id else "",
        f"partition {finding.partition}" if finding.partition is not None else "",
        f"offset {finding.offset}" if finding.offset is not None else "",
        f"event {finding.source or ''} {finding.event_id}" if finding.event_id else "",
    ]
    place = ", ".join(name for name in names if name)
    return printable(f"{finding.figure}: {finding.kind}: {place}: {finding.detail}")
