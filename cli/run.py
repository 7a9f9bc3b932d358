"""`warren run`: run one pipeline in this process."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli.environment import current_settings
from cli.exit_codes import INTERRUPTED
from cli.logs import log_to_stderr
from cli.output import epilog, one_line_errors

app = typer.Typer()


@app.command(
    "run",
    epilog=epilog(
        "warren run views@1 --metrics-port 9100",
        done="stopped by SIGTERM or Ctrl-C",
        failed="tables are missing, or too many orders park",
    )
    + f" {INTERRUPTED} ended by a second Ctrl-C; nothing is lost by it.",
)
def run_command(
    pipeline: Annotated[str, typer.Argument(help="A declared pipeline instance, such as views@1.")],
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics, /healthz and /readyz here, on loopback. 0: any free."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON objects, for programs.")] = False,
) -> None:
    """Run a pipeline until SIGTERM or Ctrl-C, logging on stderr. Start more processes to share the partitions.

    Servers that are away, and a stream that is missing, are waited for. /readyz is 503, with
    reasons, while events cannot take effect. A second Ctrl-C ends it at once.
    """
    # FastStream and Alembic take half a second to load, which no other verb should pay.
    import uvloop

    from cli.processor import Processor
    from pipelines.flows.declared import flow_named

    with one_line_errors():
        settings = current_settings()
        processor = Processor(flow_named(pipeline), settings)
        log_to_stderr(as_json=as_json)
        port = settings.metrics_port if metrics_port is None else metrics_port
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(processor.run(port))
