"""The command `warren`: one file per group of verbs, put together here."""

from __future__ import annotations

import os
import sys
import traceback

import typer
from typer.exceptions import TyperException

from cli import (
    account,
    archive,
    audit,
    board,
    customer,
    demo,
    doctor,
    importer,
    lag,
    migrate,
    order,
    outbox,
    parked,
    publish,
    quarantine,
    run,
    schemas,
    services,
    tail,
    topology,
)
from cli.exit_codes import DEFECT, INTERRUPTED, MEANINGS
from cli.output import printable
from schemas.errors import told

TRACEBACK = "WARREN_TRACEBACK"
"""Where this variable is set, a defect is shown with its traceback."""

app = typer.Typer(
    name="warren",
    help="Order events on RabbitMQ Streams: nothing lost, nothing counted twice.",
    epilog=(
        f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in MEANINGS.items())}. Each command's help says "
        f"what they mean there. {TRACEBACK}=1 shows a defect's traceback."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(demo.app)
app.add_typer(services.app, name="services")
app.add_typer(migrate.app)
app.add_typer(topology.app, name="topology")
app.add_typer(run.app)
app.add_typer(board.app)
app.add_typer(account.app, name="account")
app.add_typer(customer.app, name="customer")
app.add_typer(publish.app)
app.add_typer(outbox.app, name="outbox")
app.command("import", epilog=importer.EPILOG)(importer.import_command)
app.add_typer(tail.app)
app.add_typer(lag.app)
app.add_typer(order.app, name="order")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(parked.app, name="parked")
app.add_typer(audit.app)
app.add_typer(archive.app, name="archive")
app.add_typer(doctor.app)
app.add_typer(schemas.app, name="schemas")


def main() -> None:
    """Run the command line. Wrong usage is one line on stderr and exit code 2, a defect one line and exit code 70."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _explain(error)
        code = error.exit_code
    except typer.Abort:
        code = INTERRUPTED
    except Exception as error:  # the last resort: nobody should have to read a traceback
        _own_up(error)
        code = DEFECT
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: TyperException) -> None:
    """Say what was wrong with the call; where help was shown instead, there is nothing to add."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "warren"
    message = " ".join(error.format_message().split())
    if message:
        sys.stderr.write(f"warren: {message.rstrip('.')}; see `{command} --help`\n")


def _own_up(error: Exception) -> None:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    sys.stderr.write(
        f"warren: unexpected {printable(told(error))}; a defect in Warren: run again with {TRACEBACK}=1 and report it\n"
    )
