"""`warren services`: the local RabbitMQ, PostgreSQL and Redis of this checkout."""

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cli.demo.playing import clear_leftovers
from cli.exit_codes import FAILED
from cli.localservers.lifecycle import down, log_source, names_of, up
from cli.localservers.names import Say, ServerName, say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.status import status
from cli.output import AsJson, cell, epilog, err, one_line_errors, out, table, write_json

app = typer.Typer(
    help="Start, look at and stop this checkout's own RabbitMQ, PostgreSQL and Redis.",
    no_args_is_help=True,
)

SetName = Annotated[
    str | None, typer.Option("--set", help="A further set of servers, such as 'faults'; default: the checkout's own.")
]


@app.command("up", epilog=epilog("warren services up --json", done="all healthy", away=False))
def up_command(
    replica: Annotated[
        bool, typer.Option("--replica", help="PostgreSQL with a streaming replica, until `services down`.")
    ] = False,
    set_name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """Start the servers, wait until they are healthy, and keep them until `services down`.

    They come from WARREN_STREAM_URL, WARREN_POSTGRES_DSN and WARREN_REDIS_URL if these are set, else from Docker
    Compose if an engine answers, else from Debian packages in a private folder. Run twice, it changes nothing.
    """
    with one_line_errors(), progress() as say:
        servers = up(StateDir.of_checkout(set_name), replica=replica, say=say)
        if set_name is None:
            asyncio.run(clear_leftovers(say))
    if as_json:
        write_json({"mode": servers.mode, **servers.addresses.model_dump()})
        return
    shown = table(f"Servers ({servers.mode})", "Variable", "Value")
    for name, value in servers.addresses.as_environment().items():
        shown.add_row(cell(name), cell(value))
    out.print(shown)


@app.command("status", epilog=epilog("warren services status", done="all healthy", failed="not all are", away=False))
def status_command(set_name: SetName = None, as_json: AsJson = False) -> None:
    """Ask each server whether it is healthy, and say who uses them."""
    with one_line_errors():
        found = status(StateDir.of_checkout(set_name))
    if as_json:
        servers = [{**dataclasses.asdict(server), "healthy": server.healthy} for server in found.servers]
        holders = {"holders": found.holders, "pinned": found.pinned}
        write_json({"mode": found.mode, "healthy": found.healthy, "servers": servers, **holders})
    else:
        shown = table(f"Servers ({found.mode or 'not started'})", "Server", "Address", "Health")
        for server in found.servers:
            shown.add_row(cell(server.name), cell(server.address), cell(server.reason or "healthy"))
        out.print(shown)
        users = [*found.holders, *(["services up"] if found.pinned else [])]
        out.print(f"Kept up by: {', '.join(users) or 'nobody'}", markup=False)
    if not found.healthy:
        raise typer.Exit(FAILED)


@app.command("logs", epilog=epilog("warren services logs rabbitmq -n 50 -f", away=False))
def logs_command(
    server: Annotated[ServerName | None, typer.Argument(help="One server; default: all.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Lines from the end of each log.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines until Ctrl-C.")] = False,
    set_name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """Show the end of the servers' logs."""

    def write(source: ServerName, line: str) -> None:
        if as_json:
            write_json({"server": source, "line": line})
        else:
            out.print(line if len(servers) == 1 else f"{source:8} | {line}", markup=False, soft_wrap=True)

    with one_line_errors():
        home = StateDir.of_checkout(set_name)
        logs, there = log_source(home), names_of(home)
        servers: list[ServerName] = [server] if server else list(there)
        for source in servers:
            for line in logs.last_lines(source, lines):
                write(source, line)
        if follow:
            for source, line in logs.follow(servers):
                write(source, line)


@app.command(
    "down", epilog=epilog("warren services down --purge", done="stopped", failed="in use, or failed", away=False)
)
def down_command(
    force: Annotated[bool, typer.Option("--force", help="Stop them although a demo or test uses them.")] = False,
    purge: Annotated[bool, typer.Option("--purge", help="Also delete their data and logs.")] = False,
    set_name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """Stop the servers that `services up` or a demo started, and nothing else. Data stays unless --purge."""
    with one_line_errors(), progress() as say:
        if set_name is None:
            asyncio.run(clear_leftovers(say))
        stopped = down(StateDir.of_checkout(set_name), force=force, purge=purge, say=say)
    if as_json:
        write_json({"stopped": stopped, "purged": purge})
    else:
        out.print(("Stopped." if stopped else "Nothing was running.") + (" Data deleted." if purge else ""))


@contextmanager
def progress() -> Iterator[Say]:
    """Show on stderr what is being done: a spinner on a terminal, lines elsewhere."""
    if not err.is_terminal:
        yield say_on_stderr
        return
    with err.status("looking at the servers") as spinner:
        yield spinner.update
