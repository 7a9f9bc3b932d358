"""Whether the settings that name servers can name one, found out before anything reads them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from schemas.errors import SettingsError

POSTGRES = ("postgresql", "postgres")

SCHEMES: Mapping[str, tuple[str, ...]] = {
    "stream_url": ("rabbitmq-stream", "rabbitmq-stream+tls"),
    "amqp_url": ("amqp", "amqps"),
    "management_url": ("http", "https"),
    "postgres_dsn": POSTGRES,
    "postgres_read_dsn": POSTGRES,
    "redis_url": ("redis", "rediss", "unix"),
}
"""Setting to what its value may begin with."""


def require_urls(urls: Mapping[str, str | None]) -> None:
    """Return if each value is an address such as its setting takes; None is not looked at.

    Raises:
        SettingsError: one is not. The message names the variable and shows nothing of its value: a password with a
            character that should have been escaped looks like a port.
    """
    for setting, url in urls.items():
        wrong = None if url is None else wrong_with(url, SCHEMES[setting])
        if wrong is not None:
            raise SettingsError(f"WARREN_{setting.upper()}: {wrong}")


def wrong_with(url: str, schemes: tuple[str, ...]) -> str | None:
    """Say what keeps a text from being an address of one of the schemes; None where it is one. Shows nothing of it."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return f"not an address: {error}"
    if parts.scheme not in schemes:
        return f"an address begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not _has_ports(parts):
        return "its port is no number from 1 to 65535; in a password, write / : @ ? # as %2F %3A %40 %3F %23"
    return None


def _has_ports(parts: SplitResult) -> bool:
    """PostgreSQL's addresses may name several hosts."""
    hosts = parts.netloc.rpartition("@")[2].split(",")
    try:
        return all(urlsplit(f"//{host}").port != 0 for host in hosts)
    except ValueError:
        return False
