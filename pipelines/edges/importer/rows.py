"""Rows of a shop's tables, and what is wrong with the ones that cannot be used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: in a file from line `line`, or as a query's row `line`; both count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells' texts by column, white space around them removed.

    `problem` says why it cannot be used; cells may be missing then.
    """

    place: Place
    cells: Mapping[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An order's row of the main table with its rows of each joined one, in those tables' order."""

    row: Row
    joined: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that gave no events, and why."""

    place: Place
    reason: str
    order_id: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return what a line of the rejects file holds."""
        return {"file": self.place.file, "line": self.place.line, "order_id": self.order_id, "reason": self.reason}


class Unusable(ValueError):
    """A record gives no valid events. `place` is the row at fault."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Tables(Protocol):
    """Where tables come from: CSV files, or queries."""

    async def header(self, table: str) -> Sequence[str]:
        """Return the table's columns. Raises SettingsError where there is no such table, or it cannot be read."""

    def rows(self, table: str) -> AsyncIterator[Row]:
        """Yield the table's rows in its own order, without holding them. Raises as `header` does."""

    def read_share(self) -> float | None:
        """Return how much of all tables was read, 0 to 1; None where nobody knows."""
