"""The command `warren`: one file per group of verbs, put together here."""

from __future__ import annotations

import typer

from cli import services

app = typer.Typer(
    name="warren",
    help="Order events on RabbitMQ Streams: nothing lost, nothing counted twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(services.app, name="services")


def main() -> None:
    """Run the command line."""
    app()
