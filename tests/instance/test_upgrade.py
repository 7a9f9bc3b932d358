"""Tables that an earlier release filled say, once migrated, what this release would have written."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from pipelines.engine.stores.instances import InstanceName
from pipelines.engine.stores.migrate import _upgrade, migrate_instance
from pipelines.flows.views import migrations
from tests.instance.direct import RECORDED, batch, instance, orders_of
from tests.instance.tables import check_consistent, read_tables
from tests.support.events import event, life
from tests.support.runs import Run

OLD = InstanceName("views", 2)

FIRST_TABLES = (
    "checkpoint", "order_index", "ledger", "parked", "quarantine", "open_orders", "closed_orders", "timeline", "counts",
)  # fmt: skip


async def _live_a_little(run: Run) -> None:
    orders = orders_of(0, 8)
    slow = [
        event(orders[0], name, hour=hour)
        for name, hour in (("submitted", 0), ("price_calculated", 30), ("closed", 900))
    ]
    items = event(orders[1], "revised", data={"items": [{"item_id": "i2"}, {"item_id": "i1"}]})
    async with instance(run) as running:
        offset = 0
        for months, events in enumerate(
            [
                [*life(orders[2]), *slow, items, event(orders[3], "submitted", data={"items": None, "note": "\0"})],
                [*life(orders[4], "initiated", "submitted", "shipped", "initiated"), event(orders[5], "cancelled")],
                [event("acme:1", "submitted", source="/partners/acme"), event(orders[6], "initiated", hour=10**6)],
            ]
        ):
            await running.commit(batch(events, offset, recorded_at=RECORDED + timedelta(days=31 * months)))
            offset += len(events)


async def _copy(connection: asyncpg.Connection) -> None:
    """Put what the tables of `views@1` hold into those of `views@2`, as far as these have them yet."""
    await connection.execute(f"SET search_path TO {OLD.schema}")
    for table, column in ("timeline", "recorded_at"), ("closed_orders", "closed_at"):
        await connection.execute(f"SELECT ensure_month('{table}', {column}) FROM views_v1.{table}")
    for table in FIRST_TABLES:
        names = await connection.fetch(
            "SELECT quote_ident(attname) AS name FROM pg_attribute"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            table,
        )
        columns = ", ".join(row["name"] for row in names)
        await connection.execute(
            f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM views_v1.{table}"
        )


@pytest.fixture
async def old(run: Run) -> Run:
    """An environment whose `views@2` has the tables of the first release, filled as `views@1` is."""
    await _live_a_little(run)
    connection = await run.connect()
    await connection.execute(f"DROP SCHEMA IF EXISTS {OLD.schema} CASCADE")
    _upgrade(run.settings.postgres_dsn, OLD.schema, ["instance@head", "views_0001"], ["instance"], [migrations])
    await _copy(connection)
    await connection.close()
    return run


async def test_an_upgrade_derives_what_was_not_written(old: Run) -> None:
    migrate_instance(old.settings.postgres_dsn, OLD, migrations)
    connection = await old.connect()
    expected = await read_tables(connection)
    await connection.execute(f"SET search_path TO {OLD.schema}")
    assert await read_tables(connection) == expected
    await check_consistent(connection)
    assert await connection.fetchval("SELECT count(*) FROM overdue_days") >= 4
    assert await connection.fetchval("SELECT count(*) FROM order_items") >= 3
    await connection.close()
