"""Whether a database has the tables this release needs, by the migrations it remembers."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from importlib.resources import files

import asyncpg

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


def _revisions(packages: Iterable[str]) -> tuple[set[str], set[str]]:
    """The newest migration of each branch, and all of them.

    Read from the files: Alembic would take a fifth of a processor's memory for it.
    """
    known, before = set(), set()
    for package in packages:
        for file in files(package).iterdir():
            if file.name.startswith("v") and file.name.endswith(".py"):
                constants = _constants(file.read_text())
                known.add(str(constants["revision"]))
                before.add(constants["down_revision"])
    return known - before, known


def _constants(source: str) -> dict[str, object]:
    """The module's assignments of literals."""
    return {
        target.id: ast.literal_eval(statement.value)
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
