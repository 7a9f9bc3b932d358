"""`warren doctor`: is everything there and as it should be?"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import typer
from rich.text import Text

from cli.checkup.findings import Finding, Result, fault_said, ok
from cli.environment import current_settings
from cli.exit_codes import FAILED, USAGE
from cli.localservers.errors import ServicesError
from cli.output import AsJson, cell, epilog, out, write_json
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
    findings: list[Finding] = []

    def take(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            out.print(_line(finding), soft_wrap=True)

    code = _examine(take)
    if as_json:
        write_json({"healthy": code == 0, "checks": [dataclasses.asdict(finding) for finding in findings]})
    raise typer.Exit(code)


def _examine(take: Callable[[Finding], None]) -> int:
    """Look at everything, telling each finding; return the exit code."""
    # Alembic takes a third of a second to load, which no other verb should pay.
    from cli.checkup.examine import examine

    try:
        settings = current_settings()
    except (SettingsError, ServicesError) as error:
        take(fault_said("settings", error, "mend the variable, or the line in .env"))
        return USAGE
    take(ok("settings", "make sense"))

    async def look() -> int:
        code = 0
        async for finding in examine(settings):
            take(finding)
            code = FAILED if finding.result is Result.FAULT else code
        return code

    return asyncio.run(look())


def _line(finding: Finding) -> Text:
    mark, style = _MARKS[finding.result]
    line = Text.assemble((mark, style), " ", (finding.check, "bold"), ": ", cell(finding.found))
    if finding.advice:
        line.append(f"; next: {finding.advice}")
    return line
