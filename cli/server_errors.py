"""What to say of a server that is away, refuses, or lacks what is asked for: what happened; what to do next."""

from __future__ import annotations

import asyncpg
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError

from pipelines.engine.stores.postgres import CONNECTION_LOST
from schemas.errors import (
    AddressError,
    BrokerAway,
    BrokerRefused,
    EventsLost,
    PartitionMismatch,
    StreamMissing,
    StreamReplaced,
    said,
)

_ACCESS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""The login, the database or the account's rights: what the address names is not what the server has."""


def database_trouble(error: BaseException, foreign: str | None = None) -> str:
    """Say what one of DATABASE_ERRORS means: of our own database, or of another, which the option `foreign` names."""
    why, named = _first_line(error), foreign or "WARREN_POSTGRES_DSN"
    if isinstance(error, CONNECTION_LOST):
        start = "is it up? see" if foreign else "run `warren services up`, or mend"
        return f"PostgreSQL does not answer: {why}; {start} {named}"
    if isinstance(error, _ACCESS):
        return f"PostgreSQL refused: {why}; mend {named}, or what it names"
    return f"PostgreSQL refused: {why}"


def cache_trouble(error: RedisError | OSError) -> str:
    """Say what an error of Redis means."""
    why = _first_line(error)
    if isinstance(error, AuthenticationError | AuthorizationError | ResponseError):
        return f"Redis refused: {why}; mend WARREN_REDIS_URL, or what it names"
    return f"Redis does not answer: {why}; run `warren services up`, or mend WARREN_REDIS_URL"


def worded(error: Exception) -> str:
    """Say what an error raised on purpose means to whoever calls this command.

    The engine's own words name neither commands nor settings, as others build on it.
    """
    match error:
        case StreamMissing():
            return f"{error.kind} {error.stream!r} does not exist; run `warren topology apply`"
        case AddressError():
            return f"WARREN_STREAM_URL: {said(error)}"
        case BrokerAway():
            return f"{said(error)}; run `warren services up`, or mend WARREN_STREAM_URL"
        case BrokerRefused():
            return f"{said(error)}; mend WARREN_STREAM_URL, or what it names"
        case PartitionMismatch():
            return f"{said(error)}, and none are added in place; set WARREN_PARTITIONS={error.actual}"
        case EventsLost() | StreamReplaced():
            return f"{said(error)} (a new pipeline version)"
    return said(error)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
