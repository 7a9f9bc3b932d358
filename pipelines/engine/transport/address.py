"""Where the brokers are: `rabbitmq-stream://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST`, or `rabbitmq-stream+tls://…`.

Several nodes of one cluster stand one after the other, with commas. With TLS a broker's certificate must be for the
host by which it was reached and from an authority of the system's store, or of the file named by `?cacert=FILE`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from schemas.errors import AddressError

_DEFAULT_PORTS = {"rabbitmq-stream": 5552, "rabbitmq-stream+tls": 5551}


@dataclass(frozen=True, slots=True)
class Address:
    """One stream listener, or several of one cluster, and how to sign in. `str()` shows no password."""

    host: str
    port: int
    user: str
    password: str
    vhost: str
    others: tuple[tuple[str, int], ...] = ()
    """Further nodes of the cluster."""
    tls: bool = False
    cacert: str | None = None
    """A file with the authorities to trust; None: the system's."""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read an address; user and password default to guest, the virtual host to `/`, the port to the scheme's.

        Raises:
            AddressError: not such an URL.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise AddressError("an IPv6 host stands in [ ], which in user and password are %xx") from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise AddressError(f"{parts.scheme or 'no'}://… is not rabbitmq-stream[+tls]://HOST:PORT/VHOST")
        login, _, hosts = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        first, *others = [_node(host, _DEFAULT_PORTS[parts.scheme]) for host in hosts.split(",")]
        tls = parts.scheme == "rabbitmq-stream+tls"
        return cls(
            host=first[0],
            port=first[1],
            user=unquote(user or "guest"),
            password=unquote(password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
            others=tuple(others),
            tls=tls,
            cacert=_cacert(parts.query, tls),
        )

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """Every listener that was named."""
        return ((self.host, self.port), *self.others)

    def at(self, host: str, port: int) -> Address:
        """Return the same account on one node."""
        return replace(self, host=host, port=port, others=())

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return how to check the broker's certificate; None without TLS. Raises AddressError."""
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.cacert)
        except OSError as error:
            raise AddressError(f"cacert={self.cacert}: {error}") from error

    def __str__(self) -> str:
        return f"{', '.join(f'{host}:{port}' for host, port in self.nodes)}, virtual host {self.vhost}"


def _node(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        # What looks like a port may be a piece of the password, so it is not shown.
        raise AddressError("a port is a number up to 65535; / ? # in passwords are %xx") from None
    if not host:
        raise AddressError("a host is missing in rabbitmq-stream://HOST:PORT,HOST:PORT/VHOST")
    return host, default_port if port is None else port


def _cacert(query: str, tls: bool) -> str | None:
    settings = parse_qs(query, keep_blank_values=True)
    files = settings.pop("cacert", [])
    if settings or len(files) > 1 or (files and not (tls and files[0])):
        raise AddressError("after the ? only cacert=FILE may stand, once, with rabbitmq-stream+tls")
    return files[0] if files else None
