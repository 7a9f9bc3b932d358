"""Bring a database's schemas to what this release needs, with Alembic.

Each schema has its own version table and its own branches of migrations: `control` for what is common, `instance`
for what every pipeline instance owns, and one branch per pipeline for its own tables. A migration is a numbered
`.sql` file with a Python file beside it that names its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from types import ModuleType

import psycopg
from alembic import command, op
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from pipelines.engine.stores.instances import CONTROL_SCHEMA, InstanceName
from schemas.errors import StoreError, StoreForbidden, StoreUnavailable

_LOCK = 0x57415252454E  # "WARREN": two migrations of one database wait for each other


def migrate_control(dsn: str) -> None:
    """Create or upgrade schema `warren`. Idempotent. Raises as `migrate_instance`."""
    _upgrade(dsn, CONTROL_SCHEMA, ["control@head"], ["control"], [])


def migrate_instance(dsn: str, name: InstanceName, migrations: ModuleType) -> None:
    """Create or upgrade an instance's schema; `migrations` is the pipeline's package of migrations. Idempotent.

    The first instance of a pipeline becomes its live version.

    Raises:
        StoreUnavailable: the database is away.
        StoreForbidden: the account may not make tables there.
        StoreError: it refuses for another reason.
    """
    _upgrade(dsn, name.schema, ["instance@head", f"{name.pipeline}@head"], ["instance"], [migrations])
    with _engine(dsn).begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {CONTROL_SCHEMA}.pipelines (name, live_version) VALUES (:name, :version) "  # noqa: S608 - a constant
                "ON CONFLICT (name) DO NOTHING"
            ),
            {"name": name.pipeline, "version": name.version},
        )


def migrate_schema(dsn: str, schema: str, head: str, migrations: ModuleType) -> None:
    """Create or upgrade a schema that has nothing to do with pipelines; `head` names its branch. Idempotent.

    Raises as `migrate_instance`.
    """
    _upgrade(dsn, schema, [f"{head}@head"], [], [migrations])


def run_sql(package: str, name: str) -> None:
    """Run `<name>.sql` of `package` inside the migration that is under way."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(files(package).joinpath(f"{name}.sql").read_text())


def _engine(dsn: str) -> Engine:
    scheme, rest = dsn.split("://", 1)
    assert scheme in ("postgresql", "postgres")
    # In a database that does not say what its text is, psycopg would give bytes.
    arguments = {"connect_timeout": 10, "client_encoding": "UTF8"}
    return create_engine(f"postgresql+psycopg://{rest}", poolclass=NullPool, connect_args=arguments)


def _upgrade(dsn: str, schema: str, heads: Sequence[str], own: Sequence[str], extra: Sequence[ModuleType]) -> None:
    here = files("pipelines.engine.stores").joinpath("migrations")
    with as_file(here) as root:
        places = [*(root / branch for branch in own), *(Path(str(files(module.__name__))) for module in extra)]
        config = Config()
        config.set_main_option("script_location", str(root))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(place) for place in places))
        try:
            with _engine(dsn).begin() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
                connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
                config.attributes.update(connection=connection, schema=schema)
                for head in heads:
                    command.upgrade(config, head)
        except OperationalError as error:
            raise StoreUnavailable(
                f"PostgreSQL is away: {_first_line(error)}; is it up? see WARREN_POSTGRES_DSN"
            ) from error
        except (DBAPIError, psycopg.Error) as error:  # a migration's SQL goes past SQLAlchemy
            refused = f"PostgreSQL refused the migration of {schema}: {_first_line(error)}"
            if isinstance(getattr(error, "orig", error), psycopg.errors.InsufficientPrivilege):
                advice = "do it as the database's owner, or as a role that may CREATE in it"
                raise StoreForbidden(f"{refused}; {advice}") from error
            raise StoreError(refused) from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
