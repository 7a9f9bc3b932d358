"""`warren board`: the operators' board in a browser."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from cli.environment import current_settings
from cli.logs import log_to_stderr
from cli.output import epilog, one_line_errors

app = typer.Typer()


@app.command("board", epilog=epilog("warren board --port 8080", done="stopped by SIGTERM or Ctrl-C"))
def board_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: WARREN_BOARD_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: WARREN_BOARD_PORT. 0: any free port.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON objects, for programs.")] = False,
) -> None:
    """Serve the board until SIGTERM or Ctrl-C; its address is printed first."""
    # FastAPI and uvicorn take a third of a second to load, which no other verb should pay.
    from dashboards.operator.server import serve

    with one_line_errors():
        settings = current_settings()
        wished = {"board_host": host, "board_port": port}
        log_to_stderr(as_json=as_json)
        # uvicorn ends cleanly, then raises the signal anew.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        serve(settings.model_copy(update={name: value for name, value in wished.items() if value is not None}))
