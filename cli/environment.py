"""Which servers a command talks to: those the environment names, else this checkout's own."""

from __future__ import annotations

from cli.localservers import StateDir
from cli.localservers.state import load
from cli.urls import SCHEMES, require_urls
from pipelines.engine.settings import Settings, settings


def current_settings() -> Settings:
    """Return the settings; where they name no servers and `warren services up` has some running, those are used.

    Raises:
        SettingsError: a setting makes no sense.
    """
    found = settings()
    require_urls(
        {name: getattr(found, name) for name in SCHEMES} | {"postgres_read_dsn": found.postgres_read_dsn or None}
    )
    if {"stream_url", "postgres_dsn", "redis_url"} & found.model_fields_set:
        return found
    servers = load(StateDir.of_checkout())
    if servers is None:
        return found
    return found.model_copy(update=servers.addresses.model_dump())
