"""`warren doctor`: is everything there and as it should be?"""

from __future__ import annotations

import asyncio
import dataclasses

import typer
from rich.text import Text

from cli.checkup.findings import Finding, Result, fault, ok
from cli.environment import current_settings
from cli.output import FAILED, AsJson, cell, epilog, out, write_json
from schemas.errors import SettingsError

app = typer.Typer()

_MARKS = {Result.OK: ("✓", "green"), Result.WARNING: ("!", "yellow"), Result.FAULT: ("✗", "red")}


@app.command(
    "doctor",
    epilog=epilog(
        "warren doctor --json",
        done="no fault, warnings aside",
        failed="a fault, also where a server is away",
        away=False,
    ),
)
def doctor_command(as_json: AsJson = False) -> None:
    """Check settings, RabbitMQ, PostgreSQL, Redis and the pipeline, one by one, and say what to do.

    ✓ is well; ! works, but something Warren promises is not given; ✗ does not work.
    """
    findings = asyncio.run(_examine(as_json))
    healthy = all(finding.result is not Result.FAULT for finding in findings)
    if as_json:
        write_json({"healthy": healthy, "checks": [dataclasses.asdict(finding) for finding in findings]})
    if not healthy:
        raise typer.Exit(FAILED)


async def _examine(as_json: bool) -> list[Finding]:
    # Alembic takes a third of a second to load, which no other verb should pay.
    from cli.checkup.examine import examine

    findings: list[Finding] = []

    def take(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            out.print(_line(finding), soft_wrap=True)

    try:
        settings = current_settings()
    except SettingsError as error:
        take(fault("settings", str(error), "mend the variable, or the line in .env"))
        return findings
    take(ok("settings", "make sense"))
    async for finding in examine(settings):
        take(finding)
    return findings


def _line(finding: Finding) -> Text:
    mark, style = _MARKS[finding.result]
    line = Text.assemble((mark, style), " ", (finding.check, "bold"), ": ", cell(finding.found))
    if finding.advice:
        line.append(f"; next: {finding.advice}")
    return line
