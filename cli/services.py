"""`warren services`: the local RabbitMQ, PostgreSQL and Redis of this checkout."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.localservers.errors import ServicesError
from cli.localservers.lifecycle import down, log_source, up
from cli.localservers.names import SERVER_NAMES, Say, ServerName, say_on_stderr
from cli.localservers.places import StateDir
from cli.localservers.status import status

app = typer.Typer(
    help="Start, look at and stop this checkout's own RabbitMQ, PostgreSQL and Redis.",
    epilog="Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.",
    no_args_is_help=True,
)

SetName = Annotated[
    str | None, typer.Option("--set", help="A further set of servers, such as 'faults'; default: the checkout's own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for programs.")]


@app.command("up", epilog="Example: warren services up --json. Exit codes: 0 all healthy, 1 failed.")
def up_command(set_name: SetName = None, as_json: AsJson = False) -> None:
    """Start the servers, wait until they are healthy, and keep them until `services down`.

    They come from WARREN_STREAM_URL, WARREN_POSTGRES_DSN and WARREN_REDIS_URL if these are set, else from Docker
    Compose if an engine answers, else from Debian packages in a private folder. Run twice, it changes nothing.
    """
    with one_line_errors(), progress() as say:
        servers = up(StateDir.of_checkout(set_name), say=say)
    if as_json:
        write_json({"mode": servers.mode, **servers.addresses.model_dump()})
        return
    table = Table(title=f"Servers ({servers.mode})", title_justify="left")
    table.add_column("Variable")
    table.add_column("Value", overflow="fold")
    for name, value in servers.addresses.as_environment().items():
        table.add_row(name, value)
    Console().print(table)


@app.command("status", epilog="Example: warren services status. Exit codes: 0 all healthy, 1 not all are.")
def status_command(set_name: SetName = None, as_json: AsJson = False) -> None:
    """Ask each server whether it is healthy, and say who uses them."""
    with one_line_errors():
        found = status(StateDir.of_checkout(set_name))
    if as_json:
        servers = [{**dataclasses.asdict(server), "healthy": server.healthy} for server in found.servers]
        holders = {"holders": found.holders, "pinned": found.pinned}
        write_json({"mode": found.mode, "healthy": found.healthy, "servers": servers, **holders})
    else:
        table = Table(title=f"Servers ({found.mode or 'not started'})", title_justify="left")
        for column in ("Server", "Address", "Health"):
            table.add_column(column)
        for server in found.servers:
            table.add_row(server.name, server.address or "-", server.reason or "healthy")
        console = Console()
        console.print(table)
        users = [*found.holders, *(["services up"] if found.pinned else [])]
        console.print(f"Kept up by: {', '.join(users) or 'nobody'}")
    if not found.healthy:
        raise typer.Exit(1)


@app.command("logs", epilog="Example: warren services logs rabbitmq -n 50 -f. Exit codes: 0 done, 1 failed.")
def logs_command(
    server: Annotated[ServerName | None, typer.Argument(help="One server; default: all.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Lines from the end of each log.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines until Ctrl-C.")] = False,
    set_name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """Show the end of the servers' logs."""
    servers: list[ServerName] = [server] if server else list(SERVER_NAMES)

    def write(source: ServerName, line: str) -> None:
        plain = line if len(servers) == 1 else f"{source:8} | {line}"
        sys.stdout.write((json.dumps({"server": source, "line": line}) if as_json else plain) + "\n")
        sys.stdout.flush()

    with one_line_errors():
        home = StateDir.of_checkout(set_name)
        logs = log_source(home)
        for source in servers:
            for line in logs.last_lines(source, lines):
                write(source, line)
        if follow:
            for source, line in logs.follow(servers):
                write(source, line)


@app.command("down", epilog="Example: warren services down --purge. Exit codes: 0 stopped, 1 in use or failed.")
def down_command(
    force: Annotated[bool, typer.Option("--force", help="Stop them although a demo or test uses them.")] = False,
    purge: Annotated[bool, typer.Option("--purge", help="Also delete their data and logs.")] = False,
    set_name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """Stop the servers that `services up` or a demo started, and nothing else. Data stays unless --purge."""
    with one_line_errors(), progress() as say:
        stopped = down(StateDir.of_checkout(set_name), force=force, purge=purge, say=say)
    if as_json:
        write_json({"stopped": stopped, "purged": purge})
    else:
        Console().print(("Stopped." if stopped else "Nothing was running.") + (" Data deleted." if purge else ""))


@contextmanager
def progress() -> Iterator[Say]:
    """Show on stderr what is being done: a spinner on a terminal, lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield say_on_stderr
        return
    with console.status("looking at the servers") as spinner:
        yield spinner.update


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an error into one line on stderr and exit code 1."""
    try:
        yield
    except ServicesError as error:
        sys.stderr.write(f"error: {error}\n")
        raise typer.Exit(1) from error


def write_json(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
