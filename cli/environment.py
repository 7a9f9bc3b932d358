"""Which servers a command talks to: those the environment names, else this checkout's own."""

from __future__ import annotations

from collections.abc import Iterable

from cli.localservers import StateDir
from cli.localservers.state import load
from cli.urls import SCHEMES, require_urls
from pipelines.engine.settings import Settings, settings
from schemas.errors import SettingsError

_SERVERS = ("stream_url", "postgres_dsn", "redis_url")


def current_settings() -> Settings:
    """Return the settings; where they name no servers and `warren services up` has some running, those are used.

    Raises:
        SettingsError: a setting makes no sense; or only some servers are named while local ones are up, so that two
            systems would be mixed.
    """
    found = settings()
    require_urls(
        {name: getattr(found, name) for name in SCHEMES} | {"postgres_read_dsn": found.postgres_read_dsn or None}
    )
    missing = [name for name in _SERVERS if name not in found.model_fields_set]
    servers = load(StateDir.of_checkout()) if missing else None
    if servers is None:
        return found
    if len(missing) < len(_SERVERS):
        raise SettingsError(
            f"{_variables(missing)} not set, and local servers are up: "
            f"name all of {_variables(_SERVERS)}, or none of them"
        )
    own = servers.addresses.model_dump(exclude_none=True)
    if "postgres_read_dsn" in found.model_fields_set:
        own.pop("postgres_read_dsn", None)
    return found.model_copy(update=own)


def _variables(names: Iterable[str]) -> str:
    return ", ".join(f"WARREN_{name.upper()}" for name in names)
