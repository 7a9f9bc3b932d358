"""`warren migrate`: bring the database to what this release needs."""

from __future__ import annotations

import asyncio

import typer

from cli.environment import current_settings
from cli.output import AsJson, epilog, one_line_errors, out, write_json
from pipelines.engine.stores.instances import CONTROL_SCHEMA
from pipelines.engine.stores.postgres import connect

app = typer.Typer()


@app.command("migrate", epilog=epilog("warren migrate --json", done="up to date"))
def migrate_command(as_json: AsJson = False) -> None:
    """Create or upgrade the tables of every declared pipeline. Run twice, it changes nothing.

    The first version of a pipeline becomes the live one, which the board and these commands read.
    """
    # Alembic and SQLAlchemy take half a second to load, and no other verb writes tables.
    from pipelines.engine.stores.migrate import migrate_control, migrate_instance
    from pipelines.flows.declared import FLOWS

    with one_line_errors():
        dsn = current_settings().postgres_dsn
        asyncio.run(_greet(dsn))
        migrate_control(dsn)
        for flow in FLOWS:
            migrate_instance(dsn, flow.name, flow.migrations)
    schemas = [CONTROL_SCHEMA, *(flow.name.schema for flow in FLOWS)]
    if as_json:
        write_json({"schemas": schemas, "pipelines": [str(flow.name) for flow in FLOWS]})
    else:
        out.print(f"Up to date: schemas {', '.join(schemas)}.")


async def _greet(dsn: str) -> None:
    """Return if the database lets us in, so that what keeps us out is said as every other command says it."""
    connection = await connect(dsn, application="warren migrate")
    await connection.close(timeout=2)
