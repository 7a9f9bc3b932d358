"""What a column's name means: within an order, and within one row of a joined table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pipelines.edges.importer.mapping import Mapping
from pipelines.edges.importer.rows import Place, Record, Row


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text and where it stands."""

    place: Place
    column: str
    text: str


class Scope(Protocol):
    """Finds cells by column."""

    def one(self, column: str) -> Cell | None:
        """Return the column's cell in the first row; None where that is empty or there is no row."""

    def all(self, columns: Iterable[str]) -> list[Cell]:
        """Return the columns' cells in all rows, without the empty ones."""


class OrderScope:
    """An order's row in the main table, and its rows in each joined one as `joined.column`."""

    def __init__(self, mapping: Mapping, record: Record) -> None:
        self._mapping = mapping
        self._record = record

    def one(self, column: str) -> Cell | None:
        """As `Scope` says."""
        rows, name = self._rows(column)
        return _cell(rows[0], name) if rows else None

    def all(self, columns: Iterable[str]) -> list[Cell]:
        """As `Scope` says."""
        return [
            cell for rows, name in map(self._rows, columns) for row in rows if (cell := _cell(row, name)) is not None
        ]

    def _rows(self, column: str) -> tuple[list[Row], str]:
        label, name = self._mapping.split(column)
        return [self._record.row] if label is None else list(self._record.joined.get(label, ())), name


class RowScope:
    """One row of a joined table, by its own columns."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def one(self, column: str) -> Cell | None:
        """As `Scope` says."""
        return _cell(self._row, column)

    def all(self, columns: Iterable[str]) -> list[Cell]:
        """As `Scope` says."""
        return [cell for column in columns if (cell := _cell(self._row, column)) is not None]


def _cell(row: Row, column: str) -> Cell | None:
    text = row.cells[column]
    return Cell(row.place, column, text) if text else None
