"""`warren outbox`: a service's transactional outbox, and the relay that publishes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.environment import current_settings
from cli.exit_codes import FAILED, INTERRUPTED, UNAVAILABLE, USAGE
from cli.logs import log_to_stderr
from cli.output import AsJson, cell, epilog, err, fail, one_line_errors, out, printable, table, write_json
from cli.server_errors import database_trouble
from cli.urls import POSTGRES, wrong_with
from pipelines.engine.stores.postgres import DATABASE_ERRORS
from schemas.errors import StoreUnavailable, said

if TYPE_CHECKING:
    from pipelines.edges.outbox.audit import OutboxReport
    from pipelines.engine.settings import Settings

NAMED = 100
"""At most so many missing events are named."""

app = typer.Typer(
    help="A service's transactional outbox, in the service's own PostgreSQL, and the relay that publishes it.",
    no_args_is_help=True,
)

Dsn = Annotated[
    str,
    typer.Option(
        "--dsn",
        envvar="WARREN_OUTBOX_DSN",
        show_envvar=True,
        help="The service's own database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
    ),
]

_NO_OUTBOX = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError)


@app.command(
    "install",
    epilog=epilog("warren outbox install --dsn postgresql://shop@db/shop --source /shop", done="it is there"),
)
def install_command(
    dsn: Dsn,
    source: Annotated[str, typer.Option(help="Who speaks through it: /shop, /crm, /mes or another known source.")],
    as_json: AsJson = False,
) -> None:
    """Put an outbox into a service's database: schema warren_outbox, with one function to call. Run twice, it
    changes nothing.

    The service then writes events in its own transactions, by SELECT warren_outbox.publish('ORDER', 'TYPE', 'DATA').
    """
    from pipelines.edges.outbox.installation import install

    with _errors(dsn):
        asyncio.run(install(dsn, source))
    _tell({"source": source, "installed": True}, f"The outbox of {source} is there, up to date.", as_json=as_json)


@app.command(
    "upgrade",
    epilog=epilog("warren outbox upgrade --dsn postgresql://shop@db/shop", done="up to date", failed="there is none"),
)
def upgrade_command(dsn: Dsn, as_json: AsJson = False) -> None:
    """Bring an outbox to what this release needs. Services and relays may go on meanwhile."""
    from pipelines.edges.outbox.installation import upgrade

    with _errors(dsn):
        source = asyncio.run(upgrade(dsn))
    _tell({"source": source, "upgraded": True}, f"The outbox of {source} is up to date.", as_json=as_json)


@app.command(
    "uninstall",
    epilog=epilog(
        "warren outbox uninstall --dsn postgresql://shop@db/shop", done="it is gone", failed="events are unpublished"
    ),
)
def uninstall_command(
    dsn: Dsn,
    force: Annotated[bool, typer.Option("--force", help="Also with unpublished events; these are lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take an outbox out of a service's database, with all its rows."""
    from pipelines.edges.outbox.installation import uninstall
    from pipelines.edges.outbox.reporting import forget

    async def take_out(settings: Settings) -> str | None:
        source = await uninstall(dsn, force=force)
        if source is not None:
            await forget(settings, source)
        return source

    with _errors(dsn):
        source = asyncio.run(take_out(current_settings()))
    gone = source is not None
    words = f"The outbox of {source} is gone." if gone else "There was none."
    _tell({"source": source, "uninstalled": gone}, words, as_json=as_json)


@app.command(
    "relay",
    epilog=epilog(
        "warren outbox relay --dsn postgresql://shop@db/shop --metrics-port 9101",
        done="stopped by SIGTERM or Ctrl-C",
    )
    + f" {INTERRUPTED} ended by a second Ctrl-C; nothing is lost by it.",
)
def relay_command(
    dsn: Dsn,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics, /healthz and /readyz here, on loopback. 0: any free."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON objects, for programs.")] = False,
) -> None:
    """Publish an outbox's committed events until SIGTERM or Ctrl-C, logging on stderr.

    Start several: one works, the others stand by. Servers that are away are waited for. It needs a connection of its
    own to the database, not one of a pooler that shares connections between transactions.
    """
    import uvloop

    from cli.relay import run_relay

    with _errors(dsn):
        settings = current_settings()
        log_to_stderr(as_json=as_json)
        port = settings.metrics_port if metrics_port is None else metrics_port
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_relay(settings, dsn, port))


@app.command("lag", epilog=epilog("warren outbox lag --dsn postgresql://shop@db/shop --json", done="shown"))
def lag_command(dsn: Dsn, as_json: AsJson = False) -> None:
    """Show how many committed events wait, since when, and which open transactions hold orders up."""
    from pipelines.edges.outbox import SCHEMA
    from pipelines.edges.outbox.lag import COUNTED, Lag, read_lag
    from pipelines.engine.stores.postgres import BY_KEY, connect

    async def look() -> Lag:
        connection = await connect(dsn, SCHEMA, application="warren outbox lag", planning=BY_KEY)
        try:
            return await read_lag(connection)
        finally:
            await connection.close(timeout=2)

    with _errors(dsn):
        lag = asyncio.run(look())
    if as_json:
        write_json(asdict(lag))
        return
    more = "at least " if lag.pending == COUNTED else ""
    waits = f", the oldest for {lag.oldest_s:.1f} s" if lag.oldest_s is not None else ""
    relay = "no relay works" if lag.relay_pid is None else f"a relay works (connection {lag.relay_pid})"
    out.print(f"Outbox of {lag.source}: {more}{lag.pending} events wait{waits}; {relay}.")
    if lag.writers:
        shown = table("Open transactions with events", "Connection", "Application", "Open s", "Waiting", "Query")
        for writer in lag.writers:
            age = "?" if writer.age_s is None else f"{writer.age_s:.1f}"
            query = "?" if writer.query is None else " ".join(writer.query.split())
            shown.add_row(*map(cell, (writer.pid, writer.application, age, writer.waiting, query)))
        out.print(shown)
        if any(writer.age_s is None for writer in lag.writers):
            out.print("?: another role's, which yours may not see; GRANT pg_read_all_stats to it.")


@app.command(
    "audit",
    epilog=epilog(
        "warren outbox audit --dsn postgresql://shop@db/shop --json",
        done="every confirmed event has taken effect or stands in quarantine",
        failed="some are missing, or the pipeline is behind; run `warren outbox resend`",
    ),
)
def audit_command(
    dsn: Dsn,
    instance: Annotated[str, typer.Option(help="The pipeline instance whose ledger must have them.")] = "views@1",
    as_json: AsJson = False,
) -> None:
    """Look for every confirmed event in ledger and quarantine; rows of which nothing is missing go, by and by.

    Run it every hour or so: until then the rows stay, so that nothing a broker loses is lost.
    """
    report = _audit(dsn, instance, resend=False)
    _tell_of(report, as_json=as_json)
    if report.missing:
        raise typer.Exit(FAILED)


@app.command(
    "resend",
    epilog=epilog("warren outbox resend --dsn postgresql://shop@db/shop", done="nothing is missing any more"),
)
def resend_command(
    dsn: Dsn,
    instance: Annotated[str, typer.Option(help="The pipeline instance whose ledger lacks them.")] = "views@1",
    as_json: AsJson = False,
) -> None:
    """Publish again what the audit finds missing. What is in the stream nevertheless counts once."""
    _tell_of(_audit(dsn, instance, resend=True), as_json=as_json)


def _audit(dsn: str, instance: str, *, resend: bool) -> OutboxReport:
    from pipelines.edges.outbox.audit import audit_outbox

    async def run(settings: Settings) -> OutboxReport:
        columns = (TextColumn("looking for events"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
            task = bar.add_task("", total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            return await audit_outbox(settings, dsn, instance, show, resend=resend)

    with _errors(dsn):
        return asyncio.run(run(current_settings()))


def _tell_of(report: OutboxReport, *, as_json: bool) -> None:
    missing = [{"order_id": one.subject, "event_id": one.message_id} for one in report.missing]
    if as_json:
        write_json({**asdict(report), "missing": len(missing), "findings": missing[:NAMED]})
        return
    gone = f"{report.resent} published again" if report.resent else f"{report.reclaimed} rows reclaimed"
    out.print(f"Outbox of {report.source}: {report.events} confirmed events, {len(missing)} missing, {gone}.")
    for one in missing[:NAMED]:
        out.print(printable(f"missing: order {one['order_id']}, event {one['event_id']}"), markup=False, soft_wrap=True)
    if len(missing) > NAMED:
        out.print(f"... and {len(missing) - NAMED} more.")


def _tell(facts: dict[str, object], words: str, *, as_json: bool) -> None:
    if as_json:
        write_json(facts)
    else:
        out.print(words)


@contextmanager
def _errors(dsn: str) -> Iterator[None]:
    """Word what concerns the service's database; all else as every command does."""
    wrong = wrong_with(dsn, POSTGRES)
    if wrong is not None:
        fail(f"--dsn: {wrong}", USAGE)
    with one_line_errors():
        try:
            yield
        except _NO_OUTBOX as error:
            fail(
                f"this database has no outbox, an older one, or one that this role may not use ({said(error)}); "
                "run `warren outbox install`, or ask as the role that did"
            )
        except StoreUnavailable as error:
            fail(said(error).replace("is it up? see WARREN_POSTGRES_DSN", "is it up? see --dsn"), UNAVAILABLE)
        except asyncpg.InsufficientPrivilegeError as error:
            fail(f"PostgreSQL refused: {said(error)}; do it as the role that installed the outbox", UNAVAILABLE)
        except DATABASE_ERRORS as error:
            fail(database_trouble(error, "--dsn"), UNAVAILABLE)
