"""Whether a database has the tables this release needs, by the migrations it remembers."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from pipelines.engine.stores.instances import CONTROL_SCHEMA
from pipelines.engine.stores.named_sql import named_sql
from pipelines.flows.declared import Flow
from schemas.errors import StoreBehind

_SCHEMAS = named_sql(__package__, "versioned_schemas")

_MIGRATIONS = "pipelines.engine.stores.migrations"


async def require_migrated(connection: asyncpg.Connection, flow: Flow) -> None:
    """Return if the database has had every migration `flow` needs; one that a newer release has migrated will do.

    Raises:
        StoreBehind: it has not.
    """
    places = {
        CONTROL_SCHEMA: [f"{_MIGRATIONS}.control"],
        flow.name.schema: [f"{_MIGRATIONS}.instance", flow.migrations.__name__],
    }
    versioned = {row["schema"] for row in await connection.fetch(_SCHEMAS, list(places))}
    for schema, packages in places.items():
        wanted, known = _revisions(packages)
        applied: set[str] = set()
        if schema in versioned:
            rows = await connection.fetch(f'SELECT version_num FROM "{schema}".alembic_version')  # noqa: S608 - a name of ours
            applied = {row["version_num"] for row in rows}
        if not wanted <= applied and applied <= known:
            missing = ", ".join(sorted(wanted - applied))
            raise StoreBehind(f"{flow.name} needs migration {missing} in schema {schema}; run `warren migrate`")


def _revisions(packages: list[str]) -> tuple[set[str], set[str]]:
    """The newest migration of each branch, and all of them."""
    with as_file(files(_MIGRATIONS)) as root:
        config = Config()
        config.set_main_option("script_location", str(root))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(Path(str(files(package)))) for package in packages))
        scripts = ScriptDirectory.from_config(config)
        return set(scripts.get_heads()), {script.revision for script in scripts.walk_revisions()}
