"""Tables from queries on a real PostgreSQL give the events that the same tables give as CSV files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from pipelines.edges.importer import CsvTables, QueryTables, Reject, Tables, import_orders, parse_mapping
from pipelines.engine.stores.postgres import connect
from schemas.errors import SettingsError
from tests.importer.shop import MAPPING
from tests.support.runs import Run

QUERIES = """
[queries]
orders = "SELECT id, customer, NULL AS partner, state, bought, sent FROM shop_orders ORDER BY id"
lines = "SELECT order_id AS \\"order\\", sku, pieces, price, shipping FROM shop_lines ORDER BY order_id, sku"
"""

SHOP = """
CREATE TYPE shop_state AS ENUM ('open', 'off');
CREATE TABLE shop_orders (id text, customer uuid, state shop_state, bought timestamp, sent timestamptz);
CREATE TABLE shop_lines (order_id text, sku text, pieces integer, price numeric, shipping numeric(8, 4), weight real);
"""

CUSTOMER = "7f1c3f2e-5b1a-4f43-9a55-3a3f2a2f9b11"


@pytest.fixture
async def database(run: Run) -> AsyncIterator[asyncpg.Connection]:
    """The run's database with a small shop's tables in it."""
    connection = await connect(run.settings.postgres_dsn)
    await connection.execute(SHOP)
    bought = datetime(2026, 3, 2, 9, 30, 0, 123456)  # noqa: DTZ001 - a shop's local time
    sent = datetime.fromisoformat("2026-03-04T10:00:00+02:00")
    for number in range(2500):
        order_id = f"A{number:04}"
        await connection.execute(
            "INSERT INTO shop_orders VALUES ($1, $2, $3, $4, $5)",
            order_id, CUSTOMER, "off" if number % 7 == 0 else "open", bought, sent if number % 2 else None,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO shop_lines VALUES ($1, 'gear', $2, $3, $4, 1.5)",
            order_id, number + 1, Decimal(number).scaleb(-2), Decimal("0.5"),
        )  # fmt: skip
    yield connection
    await connection.close()


async def events_of(tables: Tables) -> list[bytes]:
    def fail(reject: Reject) -> None:
        raise AssertionError(str(reject))

    published: list[bytes] = []

    async def publish(batch: Sequence[bytes]) -> None:
        published.extend(batch)

    mapping = parse_mapping(MAPPING + QUERIES)
    await import_orders(mapping, tables, publish, on_reject=fail, on_progress=lambda _: None)
    return published


async def test_queries_give_what_the_same_tables_give_as_files(
    run: Run, database: asyncpg.Connection, tmp_path: Path
) -> None:
    mapping = parse_mapping(MAPPING + QUERIES)
    for name, query in mapping.queries.items():
        await database.copy_from_query(query, output=str(tmp_path / f"{name}.csv"), format="csv", header=True)
    from_files = await events_of(CsvTables([tmp_path / "orders.csv", tmp_path / "lines.csv"], mapping.csv))
    async with QueryTables(run.settings.postgres_dsn, mapping.queries) as tables:
        from_queries = await events_of(tables)
    assert len(from_files) > 2500 * 2
    assert from_queries == from_files


async def test_a_number_without_exact_text_is_refused(run: Run, database: asyncpg.Connection) -> None:
    queries = {"orders": "SELECT weight FROM shop_lines", "lines": "SELECT ARRAY[1] AS pieces"}
    async with QueryTables(run.settings.postgres_dsn, queries) as tables:
        with pytest.raises(SettingsError, match=r"queries\.orders: column weight is float4.*weight::numeric"):
            await tables.header("orders")
        with pytest.raises(SettingsError, match=r"queries\.lines: column pieces is .*pieces::text"):
            await tables.header("lines")


async def test_a_query_that_fails_is_named(run: Run) -> None:
    async with QueryTables(run.settings.postgres_dsn, {"orders": "SELECT * FROM nowhere"}) as tables:
        with pytest.raises(SettingsError, match=r'queries\.orders: relation "nowhere" does not exist'):
            await tables.header("orders")
        with pytest.raises(SettingsError, match="no query for table lines; add it under"):
            await tables.header("lines")


async def test_a_query_may_not_change_the_shop(run: Run, database: asyncpg.Connection) -> None:
    query = "WITH gone AS (DELETE FROM shop_orders RETURNING id) SELECT * FROM gone"
    async with QueryTables(run.settings.postgres_dsn, {"orders": query}) as tables:
        with pytest.raises(SettingsError, match=r"queries\.orders: cannot execute .* in a read-only transaction"):
            _ = [row async for row in tables.rows("orders")]
    assert await database.fetchval("SELECT count(*) FROM shop_orders") == 2500


async def test_cells_are_the_values_texts(run: Run) -> None:
    query = """SELECT NULL::int AS nothing, true AS yes, 12.50::numeric AS price, 1e20::numeric AS large,
                      date '2026-03-01' AS day, '  x ' AS text"""
    async with QueryTables(run.settings.postgres_dsn, {"orders": query}) as tables:
        [row] = [row async for row in tables.rows("orders")]
    assert dict(row.cells) == {
        "nothing": "", "yes": "true", "price": "12.50", "large": "1" + "0" * 20,
        "day": date(2026, 3, 1).isoformat(), "text": "x",
    }  # fmt: skip
    assert str(row.place) == "queries.orders:1"
