"""Joined tables on disk: a scratch SQLite file holds their rows by order, so that memory stays flat.

It also remembers which order ids were met, as an order must not be in the main table twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from collections.abc import Mapping as Lookup
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import orjson

from pipelines.edges.importer.mapping import Joined
from pipelines.edges.importer.rows import Place, Reject, Row, Tables
from pipelines.engine.stores.named_sql import named_sql

_INSERT = named_sql(__package__, "spill_insert")
_ROWS = named_sql(__package__, "spill_rows")
_MEET = named_sql(__package__, "spill_meet")
_MET = named_sql(__package__, "spill_met")

_AT_ONCE = 5000


class Spill:
    """The scratch file of one import; gone when the context ends."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="warren-import-")
        self._database = sqlite3.connect(Path(self._folder.name) / "spill.sqlite")
        self._database.executescript(named_sql(__package__, "spill_tables"))
        self._tables: dict[str, tuple[int, Joined, str, list[str]]] = {}
        self._matched: set[str] = set()

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    async def load(
        self,
        tables: Tables,
        joined: Lookup[str, Joined],
        used: Lookup[str, list[str]],
        reject: Callable[[Reject], None],
        on_progress: Callable[[], None],
    ) -> None:
        """Read the joined tables, of each the columns in use.

        A row whose key cannot be told is rejected here; another bad row is kept and makes its order unusable, as the
        order would otherwise be imported without it.
        """
        for number, (label, table) in enumerate(joined.items()):
            columns = used[label]
            batch: list[tuple[int, str, int, bytes, str | None]] = []
            async for row in tables.rows(table.table):
                key = row.cells.get(table.key, "")
                if not key:
                    reject(Reject(row.place, row.problem or f"{table.key} is empty"))
                    continue
                self._tables.setdefault(label, (number, table, row.place.file, columns))
                if row.problem is None and table.where and not table.where.holds(row.cells[table.where.column]):
                    continue
                cells = b"[]" if row.problem else orjson.dumps([row.cells[column] for column in columns])
                batch.append((number, key, row.place.line, cells, row.problem))
                if len(batch) >= _AT_ONCE:
                    self._insert(batch)
                    on_progress()
            self._insert(batch)
        self._database.execute(named_sql(__package__, "spill_index"))

    def rows(self, label: str, key: str) -> list[Row]:
        """Return the rows of a joined table that belong to `key`, as its `keep` says, in the table's order."""
        if label not in self._tables or not key:
            return []
        number, table, file, columns = self._tables[label]
        rows = [
            Row(Place(file, line), {} if problem else dict(zip(columns, orjson.loads(cells), strict=True)), problem)
            for line, cells, problem in self._database.execute(_ROWS, (number, key))
        ]
        if rows:
            self._matched.add(label)
        if table.keep == "all" or len(rows) < 2:
            return rows
        return [rows[0 if table.keep == "first" else -1]]

    def meet(self, order_id: str, line: int) -> int | None:
        """Remember an order of the main table; return the line it was met in before, None if it was not."""
        if self._database.execute(_MEET, (order_id, line)).rowcount:
            return None
        before: int = self._database.execute(_MET, (order_id,)).fetchone()[0]
        return before

    def unmatched(self) -> list[str]:
        """Return the joined tables that have rows, none of which belonged to any order asked for."""
        return [label for label in self._tables if label not in self._matched]

    def _insert(self, batch: list[tuple[int, str, int, bytes, str | None]]) -> None:
        self._database.executemany(_INSERT, batch)
        batch.clear()
