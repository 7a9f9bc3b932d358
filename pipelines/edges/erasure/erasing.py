"""Forget a customer: enlist, then find, then take away. It may be killed anywhere and run again.

enlist     the customer's digest, with the next epoch of every partition: from here on no fold names the customer
find       orders that ever were the customer's, by rows, events and the archive's files; they are noted, with the next
           epoch once more, as what they are found by goes first
erase      rows, then files, then the hot cache, which is built anew from the rows
finish     if nothing waits, parked, and no folder of the archive is left over
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from pipelines.edges.archive.restoring import forget_attempts
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.working import alone
from pipelines.edges.erasure import tables
from pipelines.edges.erasure.files import ArchivedMonths
from pipelines.edges.erasure.report import Erasure, Told
from pipelines.engine.settings import Settings
from pipelines.engine.stores.cache import Cache
from pipelines.engine.stores.instances import CONTROL_SCHEMA, InstanceName
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.envelope import Name
from schemas.erasure import ERASED, customer_digest
from schemas.errors import SettingsError, StoreUnavailable, told

_NAME = TypeAdapter[str](Name)

_SCHEMAS = named_sql(__package__, "schemas")
_ENLIST = named_sql(__package__, "enlist")
_FENCE = named_sql(__package__, "fence")
_FINISH = named_sql(__package__, "finish")
_LIST = named_sql(__package__, "list")


async def erase(settings: Settings, customer_id: str, requested_by: str, tell: Told, *, dry_run: bool) -> Erasure:
    """Take a customer out of everything but the log, for ever; with `dry_run` only say what there is.

    Raises:
        SettingsError: no customer can have this id, or there is no such address as the archive's.
        ArchiveBusy: somebody archives or restores just now.
        ArchiveDamaged, ArchiveAway, StoreUnavailable, or any of DATABASE_ERRORS.
    """
    try:
        _NAME.validate_python(customer_id)
    except ValidationError as error:
        raise SettingsError(f"no customer can have this id: {error.errors()[0]['msg']}") from error
    connection = await connect(settings.postgres_dsn, CONTROL_SCHEMA, application="warren customer")
    try:
        if dry_run:
            instances = await _instances(connection)
        else:
            tell("the list")
            instances = await _enlist(connection, customer_id, requested_by)
        done = Erasure()
        for instance in instances:
            await _erase_from(settings, instance, customer_id, tell, done, dry_run=dry_run)
        if not dry_run:
            await connection.execute(
                _FINISH, customer_digest(customer_id), datetime.now(UTC) if done.finished else None
            )
        return done
    finally:
        await connection.close(timeout=2)


async def erasures(settings: Settings) -> list[asyncpg.Record]:
    """Return of each the `customer` (a digest), `requested_at`, `requested_by`, `finished_at`."""
    connection = await connect(settings.postgres_dsn, CONTROL_SCHEMA, application="warren customer")
    try:
        rows: list[asyncpg.Record] = await connection.fetch(_LIST)
        return rows
    finally:
        await connection.close(timeout=2)


async def _instances(connection: asyncpg.Connection) -> list[InstanceName]:
    return [_instance_of(row["nspname"]) for row in await connection.fetch(_SCHEMAS)]


async def _enlist(connection: asyncpg.Connection, customer_id: str, requested_by: str) -> list[InstanceName]:
    """Return the instances that there were when the list had the customer: later ones begin with it."""
    async with connection.transaction():
        await tables.alone_in_fencing(connection)
        instances = await _instances(connection)
        if await connection.fetchval(_ENLIST, customer_digest(customer_id), requested_by):
            for instance in instances:
                await connection.execute(f'SET LOCAL search_path TO "{instance.schema}"')
                await connection.execute(_FENCE)
        return instances


async def _erase_from(
    settings: Settings, instance: InstanceName, customer_id: str, tell: Told, done: Erasure, *, dry_run: bool
) -> None:
    async with alone(settings, instance) as connection:
        tell(f"{instance}, timeline")
        orders = await tables.orders_of(connection, customer_id)
        archived = None
        if settings.archive_url or await connection.fetchval("SELECT EXISTS (SELECT FROM archived_months)"):
            archived = await ArchivedMonths.of(connection, Store(settings.archive_url), instance.schema)
            orders |= await archived.orders_of(customer_id, tell)
        done.orders += len(orders)
        if dry_run:
            done.messages += len(await tables.messages_of(connection, customer_id, orders))
        else:
            tell(f"{instance}, rows")
            orders |= await tables.note(connection, orders)
            # What a late event named is out of the tables already, and may be in the archive or in quarantine.
            orders |= await tables.orders_now_of(connection, ERASED)
            messages = await tables.messages_of(connection, customer_id, orders)
            await tables.erase_rows(connection, orders, messages, done)
            await forget_attempts(connection)
            if archived is not None:
                await archived.erase(connection, orders, tell, done)
            await tables.forget(connection)
        done.parked += await tables.parked_orders(connection, customer_id, orders)
        if archived is not None:
            archived = await ArchivedMonths.of(connection, Store(settings.archive_url), instance.schema)
            done.leftover += await asyncio.to_thread(archived.leftover)
    if not dry_run:
        tell(f"{instance}, hot cache")
        await _empty_cache(settings, instance)


async def _empty_cache(settings: Settings, instance: InstanceName) -> None:
    try:
        async with Redis.from_url(settings.redis_url) as redis:
            await Cache(redis, settings.redis_prefix, str(instance)).empty()
    except (RedisError, OSError) as error:
        raise StoreUnavailable(
            f"Redis does not answer: {told(error)}; its cards may still name the customer: run it again when it is back"
        ) from error


def _instance_of(schema: str) -> InstanceName:
    pipeline, _, version = schema.rpartition("_v")
    return InstanceName(pipeline, int(version))
