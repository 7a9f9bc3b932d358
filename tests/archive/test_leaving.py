"""A month leaves: what it had is in files, row by row, and what must stay stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pyarrow.parquet as pq
import pytest

from pipelines.edges.archive import working
from pipelines.edges.archive.datasets import DATASETS, Dataset
from pipelines.edges.archive.progress import Step
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import connect
from tests.archive.support import (
    CLOSED,
    OLD,
    YOUNG,
    all_rows,
    come_back,
    commit,
    fill,
    indexes,
    leave,
    month_of,
    tables,
    within,
)  # fmt: skip
from tests.support.events import event
from tests.support.runs import Run

SQL = Path(__file__).parent / "sql"

ODD_PRICES = ["NaN", "0", "0.000", "-0.10", "1e-200", "99999999999999999999999999999999.999999999999999999", "1e300"]


async def test_a_month_leaves_with_every_row_as_it_was(run: Run, archiving: Settings, folder: Path) -> None:
    await fill(run)
    connection = await run.connect()
    before = await all_rows(connection)
    states = await leave(archiving)
    after = await all_rows(connection)
    gone = [row for row in before["timeline"] if row not in after["timeline"]]
    assert [(s.month, s.dataset.name, s.state, s.rows) for s in states if s.month == OLD] == [
        (OLD, "timeline", "archived", 17),
        (OLD, "orders", "archived", 1),
    ]
    files = sorted(month_of(folder).glob("*.parquet"))
    assert [pq.ParquetFile(file).metadata.num_rows for file in files] == [8, 8, 1]
    kept = [tuple(row.values()) for file in files for row in pq.read_table(file).to_pylist()]
    assert kept == gone
    assert after["orders"] == before["orders"]
    months = await tables(connection)
    assert f"archived_orders > archived_orders{OLD.suffix}" in months
    assert not {name for name in months if name.endswith((f"timeline{OLD.suffix}", f"closed_orders{OLD.suffix}"))}
    assert f"timeline > timeline{YOUNG.suffix}" in months
    assert [row["order_id"] for row in await connection.fetch("SELECT order_id FROM archived_orders")] == [CLOSED]
    noted = await connection.fetch("SELECT dataset, path, rows FROM archived_months WHERE month = $1", OLD.day)
    assert {tuple(row) for row in noted} == {
        ("timeline", f"views_v1/timeline/{OLD}", 17), ("orders", f"views_v1/orders/{OLD}", 1),
    }  # fmt: skip
    await connection.close()


async def test_archived_orders_keep_two_indexes_and_nothing_is_read_to_move_them(
    run: Run, archiving: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(run)
    said: list[str] = []

    async def connect_and_listen(*arguments: Any, **options: Any) -> asyncpg.Connection:
        connection = await connect(*arguments, **options)
        connection.add_log_listener(lambda _, message: said.append(str(message)))
        await connection.execute("SET client_min_messages = debug1")
        return connection

    monkeypatch.setattr(working, "connect", connect_and_listen)
    await leave(archiving)
    told = " ".join(said)
    table = f"archived_orders{OLD.suffix}"
    assert f'partition constraint for table "{table}" is implied by existing constraints' in told
    assert "building index" not in told
    connection = await run.connect()
    assert await indexes(connection, table) == [
        "btree (order_no, closed_at)",
        "btree (stage, stage_since DESC, order_no DESC)",
    ]
    assert await connection.fetchval("SELECT count(*) FROM pg_constraint WHERE conname = 'bound'") == 0
    await come_back(archiving)
    assert await indexes(connection, f"closed_orders{OLD.suffix}") == await indexes(connection, "closed_orders")
    await connection.close()


async def test_odd_values_go_there_and_back_bit_for_bit(run: Run, archiving: Settings) -> None:
    await fill(run)
    connection = await run.connect()
    await connection.execute((SQL / "odd_rows.sql").read_text(), OLD.begin)
    for number, price in enumerate(ODD_PRICES):
        await connection.execute((SQL / "odd_orders.sql").read_text(), price, number, CLOSED)
    texts = (
        "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM timeline t",
        "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (SELECT * FROM closed_orders UNION ALL"
        " SELECT * FROM archived_orders) t",
    )
    before = [await connection.fetchval(text) for text in texts]
    await leave(archiving)
    assert await connection.fetchval(texts[0]) != before[0]
    assert await connection.fetchval(texts[1]) == before[1]
    await come_back(archiving)
    assert [await connection.fetchval(text) for text in texts] == before
    await connection.close()


async def test_the_prices_in_the_files_are_what_they_were(run: Run, archiving: Settings, folder: Path) -> None:
    await fill(run)
    connection = await run.connect()
    await connection.execute("UPDATE closed_orders SET price_amount = '12.3400' WHERE order_id = $1", CLOSED)
    await leave(archiving)
    assert pq.read_table(month_of(folder, "orders") / "part-00000.parquet")["price_amount"].to_pylist() == ["12.3400"]
    await connection.close()


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
async def test_the_files_have_every_column_there_is(run: Run, dataset: Dataset) -> None:
    """A column that a migration adds must not be lost by being archived."""
    connection = await run.connect()
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        dataset.table,
    )
    assert {row["attname"] for row in rows} == set(dataset.schema.names)
    await connection.close()


async def test_months_leave_once_and_an_empty_one_too(run: Run, archiving: Settings, folder: Path) -> None:
    await fill(run)
    first = await leave(archiving)
    assert {s.month: s.rows for s in first if s.dataset.name == "timeline"} == {OLD: 17, OLD.plus(1): 0}
    manifest = orjson.loads((month_of(folder, month=OLD.plus(1)) / "manifest.json").read_bytes())
    assert (manifest["rows"], manifest["files"]) == (0, [])
    steps: list[Step] = []
    assert await leave(archiving, steps.append) == []
    assert steps == []


async def test_a_month_made_anew_for_a_log_that_is_read_again_is_no_matter(run: Run, archiving: Settings) -> None:
    await fill(run)
    await leave(archiving)
    connection = await run.connect()
    for table in ("timeline", "closed_orders"):
        await connection.execute("SELECT ensure_month($1, $2)", table, within(OLD))
    assert await leave(archiving) == []
    await come_back(archiving)
    assert await connection.fetchval("SELECT count(*) FROM timeline WHERE recorded_at < $1", OLD.end) == 17
    await connection.close()


async def test_rows_that_came_after_a_month_had_left_are_named(run: Run, archiving: Settings) -> None:
    """A broker's clock went back by months."""
    offset = await fill(run)
    await leave(archiving)
    await commit(run, offset, event(CLOSED, "note_added", event_id="n"), recorded_at=within(OLD) + timedelta(days=1))
    (state,) = await leave(archiving)
    assert (state.state, state.month, state.dataset.name) == ("waiting", OLD, "timeline")
    assert "a broker's clock went back" in state.why
