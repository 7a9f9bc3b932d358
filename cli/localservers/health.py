"""Whether a server really answers, and waiting until it does."""

import socket
import time
from urllib.parse import urlsplit

import httpx
import psycopg
import redis

from cli.localservers.addresses import Addresses
from cli.localservers.backend import Backend
from cli.localservers.errors import ServicesError
from cli.localservers.names import ServerName

PROBE_S = 5

_STREAMING = "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"

TIMEOUT_S = 120.0


def why_unhealthy(server: ServerName, addresses: Addresses) -> str | None:
    """Ask the server; None when it is healthy, else the reason in a few words. Takes seconds at most."""
    match server:
        case "rabbitmq":
            return _rabbitmq(addresses)
        case "postgres":
            return _postgres(addresses.postgres_dsn)
        case "replica":
            return _replica(addresses.postgres_read_dsn or "")
        case "redis":
            return _redis(addresses)


def wait_healthy(server: ServerName, addresses: Addresses, backend: Backend, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until it is healthy. Raises ServicesError with the reason and the end of its log."""
    deadline = time.monotonic() + timeout_s
    while (reason := why_unhealthy(server, addresses)) is not None:
        if not backend.running(server):
            reason = "it ended"
        elif time.monotonic() < deadline:
            time.sleep(0.1)
            continue
        log = " | ".join(backend.last_lines(server, 5)) or "empty"
        raise ServicesError(f"{server} did not become healthy: {reason}; its log ends: {log}")


def _rabbitmq(addresses: Addresses) -> str | None:
    first_node = urlsplit(addresses.stream_url).netloc.rpartition("@")[2].partition(",")[0]
    stream = urlsplit(f"//{first_node}")
    try:
        with socket.create_connection((stream.hostname or "", stream.port or 5552), PROBE_S):
            pass
        management = urlsplit(addresses.management_url)
        answer = httpx.get(
            f"{management.scheme}://{management.netloc.rpartition('@')[2]}/api/health/checks/alarms",
            auth=(management.username or "", management.password or ""),
            timeout=PROBE_S,
            # A proxy named by the environment has no business between us and our own server.
            trust_env=False,
        )
    except (OSError, httpx.HTTPError) as error:
        return _one_line(error)
    return None if answer.is_success else f"HTTP {answer.status_code}: {answer.text[:200]}"


def _postgres(dsn: str) -> str | None:
    try:
        with psycopg.connect(dsn, connect_timeout=PROBE_S) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return _one_line(error)
    return None


def _replica(dsn: str) -> str | None:
    try:
        with psycopg.connect(dsn, connect_timeout=PROBE_S) as connection:
            row = connection.execute(_STREAMING).fetchone()
    except psycopg.Error as error:
        return _one_line(error)
    return None if row == (True, True) else "it is no replica, or its primary sends it nothing"


def _redis(addresses: Addresses) -> str | None:
    try:
        with redis.Redis.from_url(
            addresses.redis_url, socket_timeout=PROBE_S, socket_connect_timeout=PROBE_S
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return _one_line(error)
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
