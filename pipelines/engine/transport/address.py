"""Where a broker is, read from `rabbitmq-stream://USER:PASSWORD@HOST:PORT/VHOST`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from schemas.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """One stream listener and how to sign in. `str()` shows no password."""

    host: str
    port: int
    user: str
    password: str
    vhost: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read an address; the port defaults to 5552, user and password to guest, the virtual host to `/`.

        Raises:
            SettingsError: not such an URL.
        """
        parts = urlsplit(url)
        try:
            port = parts.port or 5552
        except ValueError as error:
            raise SettingsError(f"WARREN_STREAM_URL: {error}") from error
        if parts.scheme != "rabbitmq-stream" or not parts.hostname:
            raise SettingsError(
                f"WARREN_STREAM_URL: {parts.scheme or 'no'}://… is not rabbitmq-stream://HOST:PORT/VHOST"
            )
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
        )

    def at(self, host: str, port: int) -> Address:
        """Return the same account on another node."""
        return replace(self, host=host, port=port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}, virtual host {self.vhost}"
