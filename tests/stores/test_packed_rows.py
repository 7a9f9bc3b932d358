"""Rows packed for an argument are what PostgreSQL reads: every kind of column, any value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from struct import Struct
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.engine.stores import writes
from pipelines.engine.stores.packed_rows import (
    BIGINT,
    TIMESTAMPTZ,
    accept_rows,
    binary,
    double,
    moment,
    numeric,
    text,
    word,
    words,
)
from pipelines.engine.stores.writes import pieces
from tests.support.runs import Run

_HEAD = Struct("!iiiqiiq").pack

_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)

ROWS = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.datetimes(datetime(1, 1, 1, 0, 0, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy wants it so
    st.none() | _TEXT,
    st.none() | st.sampled_from(["shipped", "", "заказ"]),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
    st.lists(_TEXT, max_size=3),
    st.binary(max_size=50),
)

ROW: tuple[Any, ...] = (1, datetime(2026, 1, 1, tzinfo=UTC), "n", None, None, None, [], b"")


def _packed(row: tuple[Any, ...]) -> bytes:
    number, at, name, stage, held, price, marks, body = row
    fixed = _HEAD(8, BIGINT, 8, number, TIMESTAMPTZ, 8, moment(at))
    return fixed + text(name) + word(stage) + double(held) + numeric(price) + words(tuple(marks)) + binary(body)


@pytest.fixture(scope="module")
async def table(shared: Run) -> asyncpg.Connection:
    """A connection with a table of one column a kind."""
    connection = await shared.connect()
    await connection.execute(
        "CREATE TYPE kinds AS (number bigint, moment timestamptz, name text, stage text, held double precision, "
        "price numeric, marks text[], body bytea)"
    )
    await accept_rows(connection, ["kinds"])
    return connection


async def _read_back(table: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    found = await table.fetch("SELECT n.* FROM unnest($1::kinds[]) AS n", [_packed(row) for row in rows])
    return [tuple(row) for row in found]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=5))
@example([])
async def test_what_is_passed_is_what_is_read(table: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> None:
    assert await _read_back(table, rows) == rows


@pytest.mark.parametrize(
    "text",
    ["0", "0.00", "-0.5", "1", "9999", "10000", "10000.0001", "1E+5", "0.00001234", "-99999999.99", "123456789012.345"],
)
async def test_numbers_keep_their_value_and_their_places(table: asyncpg.Connection, text: str) -> None:
    [row] = await table.fetch(
        "SELECT price, price::text AS written FROM unnest($1::kinds[])", [_packed((*ROW[:5], Decimal(text), [], b""))]
    )
    assert row["price"] == Decimal(text)
    assert row["written"] == f"{Decimal(text):f}"


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=value):
        numeric(Decimal(value))


async def test_a_row_that_is_not_whole_is_refused(table: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.exceptions.PostgresError):
        await table.fetch("SELECT n.* FROM unnest($1::kinds[]) AS n", [_packed(ROW)[:-1]])


def test_rows_are_cut_into_pieces_a_message_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "STATEMENT_BYTES", 10)
    rows = [bytes(size) for size in (4, 6, 1, 30, 2, 8, 1)]
    assert [[len(row) for row in piece] for piece in pieces(rows)] == [[4, 6], [1], [30], [2, 8], [1]]
    assert list(pieces([])) == []
