"""PostgreSQL: reachable, new enough, as durable as Warren promises, migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg

from cli.checkup.findings import Finding, fault, fault_said, ok, warning
from cli.database import live_views
from cli.revisions import require_migrated
from cli.server_errors import database_trouble
from pipelines.engine.settings import Settings
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import DATABASE_ERRORS, connect
from pipelines.flows.declared import FLOWS
from schemas.errors import SettingsError, StoreBehind

OLDEST = 14
"""The first PostgreSQL that can detach partitions concurrently."""

MOST_SKEW_SECONDS = 2.0

_SERVER = named_sql(__package__, "server")
_MONTHS = named_sql(__package__, "months_missing")


async def examine_database(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is found of the write database."""
    try:
        connection = await connect(settings.postgres_dsn, application="warren doctor")
    except SettingsError as error:
        yield fault_said("PostgreSQL", error, "mend it")
        return
    except DATABASE_ERRORS as error:
        yield fault_said("PostgreSQL", database_trouble(error), "see its log")
        return
    try:
        for finding in [*await _server(connection), await _migrated(connection)]:
            yield finding
    finally:
        await connection.close(timeout=2)
    try:
        async with live_views(settings) as live:
            yield _months([row["month"] for row in await live.connection.fetch(_MONTHS)])
    except (*DATABASE_ERRORS, StoreBehind):
        return  # said above


async def _server(connection: asyncpg.Connection) -> list[Finding]:
    asked = datetime.now(UTC)
    row = await connection.fetchrow(_SERVER)
    answered = datetime.now(UTC)
    return [version_finding(row["version"]), _durable(row), clocks_finding(asked, row["now"], answered)]


def clocks_finding(asked: datetime, said: datetime, answered: datetime) -> Finding:
    """Judge what time the server says it is, `asked` and `answered` by this machine's clock.

    The server's moment lies between the two; what is outside of that is skew.
    """
    skew = max((said - answered).total_seconds(), (asked - said).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        advice = "let both machines follow the same time server: ages and `stuck` are off by so much"
        return warning("clocks", f"PostgreSQL's and this machine's differ by {skew:.1f} s", advice)
    return ok("clocks", f"PostgreSQL's and this machine's agree within {MOST_SKEW_SECONDS:g} s")


def version_finding(version: int) -> Finding:
    """Judge a server's version, as `server_version_num` says it."""
    major, minor = divmod(version, 10_000)
    if major < OLDEST:
        return fault("PostgreSQL", f"{major}.{minor}", f"upgrade to {OLDEST} or newer")
    return ok("PostgreSQL", f"{major}.{minor}")


def _durable(row: asyncpg.Record) -> Finding:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if row[name] == "off"]
    if off:
        return warning(
            "durability",
            f"{', '.join(off)} off: a crash can take back what was committed",
            f"set {', '.join(off)} to on in postgresql.conf",
        )
    return ok("durability", "fsync, full_page_writes and synchronous_commit are on")


async def _migrated(connection: asyncpg.Connection) -> Finding:
    for flow in FLOWS:
        try:
            await require_migrated(connection, flow)
        except StoreBehind as error:
            return fault_said("tables", error)
    return ok("tables", f"up to date for {', '.join(str(flow.name) for flow in FLOWS)}")


def _months(missing: list[str]) -> Finding:
    if missing:
        return warning(
            "months ahead",
            f"no partition for {', '.join(missing)}",
            "`warren run` makes them when it meets an event of the month before; is it running?",
        )
    return ok("months ahead", "this month's and the next one's partitions are there")
