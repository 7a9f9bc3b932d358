"""Put an outbox into a service's database, bring it up to date, and take it out again."""

from __future__ import annotations

import asyncio
import uuid

from pipelines.edges.outbox import SCHEMA, migrations
from pipelines.engine.stores.migrate import migrate_schema
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.errors import SettingsError, StoreBehind, StoreError
from schemas.lifecycle import may_send, partner_of, source_kind
from schemas.orders import EVENTS

_EXISTS = named_sql(__package__, "outbox_exists")
_SOURCE = named_sql(__package__, "outbox_source")
_WRITE = named_sql(__package__, "outbox_write")
_PENDING = named_sql(__package__, "pending_some")

_NAMES = sorted({event_type.split(".")[1] for event_type in EVENTS})


class OutboxInUse(StoreError):
    """The outbox holds events that are not published yet; `pending` says how many, up to a thousand."""

    def __init__(self, pending: int) -> None:
        events = "1 event is" if pending == 1 else f"{pending} events are"
        super().__init__(f"{events} not published yet; run a relay until none is left, or use --force")
        self.pending = pending


async def install(dsn: str, source: str) -> None:
    """Make the outbox of `source`, such as /shop, or bring it up to what this release needs. Idempotent.

    Raises:
        SettingsError: no such source, or the database has the outbox of another.
        StoreUnavailable, StoreError, or whatever the database does.
    """
    kind = source_kind(source)
    if kind is None:
        raise SettingsError(f"--source {source}: a source is /shop, /crm, /mes, or another that schemas/ names")
    installed = await installed_source(dsn)
    if installed not in (None, source):
        raise SettingsError(f"--source {source}: this database has the outbox of {installed}; one database, one outbox")
    await asyncio.to_thread(migrate_schema, dsn, SCHEMA, "outbox", migrations)
    partner = partner_of(source)
    refused = [name for name in _NAMES if not may_send(kind, name)]
    connection = await connect(dsn, SCHEMA, application="warren outbox install")
    try:
        await connection.execute(_WRITE, uuid.uuid4().hex, source, refused, f"{partner}:" if partner else "")
    finally:
        await connection.close(timeout=2)


async def upgrade(dsn: str) -> str:
    """Bring an outbox up to what this release needs and return its source.

    Raises StoreBehind where there is none; else as `install`.
    """
    source = await installed_source(dsn)
    if source is None:
        raise StoreBehind("this database has no outbox; run `warren outbox install`")
    await install(dsn, source)
    return source


async def uninstall(dsn: str, *, force: bool = False) -> str | None:
    """Take the outbox out, with all its rows, and return whose it was; None: there was none.

    Raises OutboxInUse where events are not published yet, unless `force`; else whatever the database does.
    """
    source = await installed_source(dsn)
    if source is None:
        return None
    connection = await connect(dsn, SCHEMA, application="warren outbox uninstall")
    try:
        async with connection.transaction():
            # Whoever is writing an event is waited for, so that none goes unseen.
            await connection.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
            pending = await connection.fetchval(_PENDING, 1000)
            if pending and not force:
                raise OutboxInUse(pending)
            await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    finally:
        await connection.close(timeout=2)
    return source


async def installed_source(dsn: str) -> str | None:
    """Return whose outbox the database has; None: it has none. Raises whatever the database does."""
    connection = await connect(dsn, SCHEMA, application="warren outbox")
    try:
        if not await connection.fetchval(_EXISTS):
            return None
        source: str | None = await connection.fetchval(_SOURCE)
        return source
    finally:
        await connection.close(timeout=2)
