"""Partitions by month are made ahead, while others read and write, and by many at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from pipelines.engine.stores.named_sql import named_sql
from tests.stores.support import WAITING, undone
from tests.support.runs import Run
from tests.support.waiting import until

MAKE_MONTH = named_sql("pipelines.flows.views", "make_month")

MONTHS = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = to_regclass($1) ORDER BY 1
"""

INDEXES = """
    SELECT count(*) AS n, bool_or(indisprimary) AS has_key
      FROM pg_index WHERE indrelid = ANY($1::regclass[]) GROUP BY indrelid
"""

COLUMNS = "order_no, stream_offset, recorded_at, partition, identity, source, event_id, event_type, event_time, stage, "
COLUMNS += "holder, anomalies, revision, body"


async def _months(connection: asyncpg.Connection, parent: str = "timeline") -> dict[str, str]:
    return {row["relname"]: row["bound"] for row in await connection.fetch(MONTHS, parent)}


async def _insert(connection: asyncpg.Connection, order_no: int, recorded_at: datetime) -> None:
    await connection.execute(
        f"INSERT INTO timeline ({COLUMNS}) VALUES ($1, 0, $2, 0, '', '', '', '', now(), '', '', '{{}}', 1, '')",
        order_no,
        recorded_at,
    )


async def test_a_fresh_instance_has_this_month_and_the_next_three(run: Run) -> None:
    connection = await run.connect()
    names = await connection.fetchval("""
        SELECT array_agg(to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m), 'YYYY_MM'))
          FROM generate_series(0, 3) AS m
    """)
    for parent in ("timeline", "closed_orders"):
        assert {f"{parent}_{name}" for name in names} <= set(await _months(connection, parent))
    await connection.close()


@pytest.mark.parametrize(
    ("day", "month", "first", "end"),
    [
        ("2031-12-31T23:59:59.999999+00:00", "timeline_2031_12", "2031-12-01", "2032-01-01"),
        ("2032-01-01T00:00:00+00:00", "timeline_2032_01", "2032-01-01", "2032-02-01"),
        ("2032-02-29T12:00:00+00:00", "timeline_2032_02", "2032-02-01", "2032-03-01"),
        ("1999-06-15T00:00:00+00:00", "timeline_1999_06", "1999-06-01", "1999-07-01"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
async def test_a_month_is_a_month_in_utc_whatever_the_sessions_zone(
    run: Run, day: str, month: str, first: str, end: str, zone: str
) -> None:
    connection = await run.connect()
    async with undone(connection):
        await connection.execute(f"DROP TABLE IF EXISTS {month}")
        await connection.execute(f"SET LOCAL TIME ZONE '{zone}'")
        moment = datetime.fromisoformat(day)
        await connection.execute("SELECT ensure_month('timeline', $1)", moment)
        await connection.execute("SELECT ensure_month('timeline', $1)", moment)
        await connection.execute("SET LOCAL TIME ZONE 'UTC'")
        assert (await _months(connection))[month] == (
            f"FOR VALUES FROM ('{first} 00:00:00+00') TO ('{end} 00:00:00+00')"
        )
        await _insert(connection, 1, moment)
        assert await connection.fetchval("SELECT tableoid::regclass::text FROM timeline") == month
    await connection.close()


async def test_a_new_month_has_all_that_the_others_have(run: Run) -> None:
    connection = await run.connect()
    await connection.execute(
        "SELECT ensure_month('timeline', '2033-05-05'), ensure_month('closed_orders', '2033-05-05')"
    )
    for parent in ("timeline", "closed_orders"):
        indexes = await connection.fetch(INDEXES, [parent, f"{parent}_2033_05"])
        assert indexes[0] == indexes[1]
        assert indexes[0]["has_key"]
        # The check that spares the scan is gone again; only NOT NULLs stay.
        checks = "SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'"
        assert await connection.fetchval(checks, f"{parent}_2033_05") == 0
    await connection.close()


async def test_an_event_of_a_month_that_is_not_there_is_refused_not_lost(run: Run) -> None:
    connection = await run.connect()
    with pytest.raises(asyncpg.CheckViolationError):
        await _insert(connection, 1, datetime(1970, 1, 1, tzinfo=UTC))
    await connection.close()


async def test_the_month_and_the_one_after_are_made_for_both_tables(run: Run) -> None:
    connection = await run.connect()
    await connection.execute(MAKE_MONTH, datetime(2034, 12, 31, 23, 59, tzinfo=UTC))
    for parent in ("timeline", "closed_orders"):
        assert {f"{parent}_2034_12", f"{parent}_2035_01"} <= set(await _months(connection, parent))
    await connection.close()


async def test_whoever_had_to_wait_for_a_month_finds_it_made(run: Run) -> None:
    first, *others = [await run.connect() for _ in range(4)]
    moment = datetime(2040, 1, 31, tzinfo=UTC)
    await first.execute("BEGIN")
    await first.execute(MAKE_MONTH, moment)
    waiting = [asyncio.create_task(other.execute(MAKE_MONTH, moment)) for other in others]

    async def all_wait() -> bool:
        return bool(await first.fetchval(WAITING) == len(others))

    await until(all_wait, "the others to wait", seconds=20)
    await first.execute("COMMIT")
    endings = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 60)
    made = await _months(first)
    for connection in (first, *others):
        await connection.close()
    assert [ending for ending in endings if isinstance(ending, Exception)] == []
    assert {"timeline_2040_01", "timeline_2040_02"} <= set(made)


async def test_a_month_is_made_while_others_read_and_write(run: Run) -> None:
    """A dashboard's long read and another partition's open batch must not hold the pipeline up."""
    reader, writer, maker = [await run.connect() for _ in range(3)]
    now = datetime.now(UTC)
    await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await reader.fetch("SELECT count(*) FROM timeline JOIN closed_orders USING (order_no)")
    await writer.execute("BEGIN")
    await _insert(writer, 1, now)
    await maker.execute("SET lock_timeout = '5s'")
    await maker.execute(MAKE_MONTH, datetime(2045, 6, 1, tzinfo=UTC))
    await _insert(maker, 2, datetime(2045, 6, 1, tzinfo=UTC))
    await reader.fetch("SELECT count(*) FROM timeline")
    await _insert(writer, 3, now)
    await writer.execute("COMMIT")
    await reader.execute("COMMIT")
    assert await reader.fetchval("SELECT count(*) FROM timeline") == 3
    for connection in (reader, writer, maker):
        await connection.close()


async def test_a_reader_and_a_writer_do_not_wait_while_a_month_is_being_made(run: Run) -> None:
    reader, maker = await run.connect(), await run.connect()
    await reader.execute("SET lock_timeout = '5s'")
    async with undone(maker):
        await maker.execute(MAKE_MONTH, datetime(2046, 6, 1, tzinfo=UTC))
        assert await reader.fetchval("SELECT count(*) FROM timeline WHERE order_no = 1") == 0
        await _insert(reader, 1, datetime.now(UTC))
    for connection in (reader, maker):
        await connection.close()
