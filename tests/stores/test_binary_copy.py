"""Rows made for COPY are what PostgreSQL reads: every kind of field, any value."""

from __future__ import annotations

from datetime import UTC, datetime
from struct import Struct
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine.stores.binary_copy import NULL, binary, copy_rows, double, moment, text, word, words
from tests.support.runs import Run

COLUMNS = ("number", "moment", "name", "stage", "held", "marks", "body")

_HEAD = Struct("!hiqiq").pack

_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)

ROWS = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.datetimes(datetime(1, 1, 1, 0, 0, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy wants it so
    _TEXT,
    st.none() | st.sampled_from(["shipped", "", "заказ"]),
    st.none() | st.floats(allow_nan=False),
    st.lists(_TEXT, max_size=3),
    st.binary(max_size=50),
)


def _packed(row: tuple[Any, ...]) -> bytes:
    number, at, name, stage, held, marks, body = row
    fixed = _HEAD(7, 8, number, 8, moment(at))
    return fixed + text(name) + word(stage) + double(held) + words(tuple(marks)) + binary(body)


@pytest.fixture(scope="module")
async def table(shared: Run) -> asyncpg.Connection:
    """A connection with a table of one column a kind."""
    connection = await shared.connect()
    await connection.execute(
        "CREATE TEMP TABLE kinds (number bigint, moment timestamptz, name text, stage text, held double precision, "
        "marks text[], body bytea)"
    )
    return connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=5))
async def test_what_is_copied_is_what_is_read(table: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> None:
    await table.execute("TRUNCATE kinds")
    await copy_rows(table, "kinds", COLUMNS, [_packed(row) for row in rows])
    assert sorted(map(tuple, await table.fetch("SELECT * FROM kinds")), key=repr) == sorted(rows, key=repr)


async def test_more_rows_than_one_piece(table: asyncpg.Connection) -> None:
    await table.execute("TRUNCATE kinds")
    rows: list[tuple[Any, ...]] = [
        (n, datetime(2026, 1, 1, tzinfo=UTC), "n", None, None, [], b"") for n in range(2_500)
    ]
    await copy_rows(table, "kinds", COLUMNS, [_packed(row) for row in rows])
    assert await table.fetchval("SELECT array_agg(number ORDER BY number) FROM kinds") == list(range(2_500))


async def test_a_row_that_is_not_whole_is_refused(table: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.BadCopyFileFormatError):
        await copy_rows(table, "kinds", COLUMNS, [_packed((1, datetime.now(UTC), "n", None, None, [], b""))[:-1]])


def test_null_is_a_field_of_no_length() -> None:
    assert word(None) == double(None) == NULL
