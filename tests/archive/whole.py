"""What must hold at every moment: each row is in the database, or in the files that the database points to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet as pq

from tests.archive.support import all_rows

Rows = dict[str, list[tuple[Any, ...]]]


async def everything(connection: asyncpg.Connection, folder: Path) -> Rows:
    """Return the rows that can be read, wherever they are. None may be in both places."""
    found = await all_rows(connection)
    timeline = set(map(_hashable, found["timeline"]))
    gone = await connection.fetch("SELECT path FROM archived_months WHERE dataset = 'timeline'")
    for month in gone:
        for file in (folder / month["path"]).glob("part-*.parquet"):
            kept = {_hashable(tuple(row.values())) for row in pq.read_table(file).to_pylist()}
            assert not kept & timeline, "a row is counted twice"
            timeline |= kept
    return {"timeline": sorted(timeline, key=lambda row: row[:2]), "orders": found["orders"]}


def _hashable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)
