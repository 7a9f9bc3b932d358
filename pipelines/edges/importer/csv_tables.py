"""Tables from CSV files, plain or gzip, each named by its file: `exports/orders.csv.gz` is the table `orders`."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pipelines.edges.importer.mapping import CsvFormat
from pipelines.edges.importer.rows import Place, Row
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from _csv import Reader

MAX_CELL_CHARACTERS = 1_000_000
"""A longer cell is a quote that was never closed."""


class CsvTables:
    """Reads CSV files (RFC 4180, a header line first). A row with a fault is yielded with its problem."""

    def __init__(self, paths: Iterable[Path], csv_format: CsvFormat) -> None:
        """Name the tables. Raises SettingsError where two files give one name, or none is given."""
        self._format = csv_format
        self._paths: dict[str, Path] = {}
        for path in paths:
            name = table_name(path)
            if name in self._paths:
                raise SettingsError(f"{path}: table {name} is in {self._paths[name]} already; rename one of the files")
            self._paths[name] = path
        self._bytes = sum(path.stat().st_size for path in self._paths.values() if path.is_file())
        self._bytes_read = 0

    async def header(self, table: str) -> Sequence[str]:
        """Return the file's first line."""
        with self._reader(table) as (reader, _):
            return self._header(table, reader)

    async def rows(self, table: str) -> AsyncIterator[Row]:
        """Yield the file's rows; blank lines are passed over."""
        with self._reader(table) as (reader, raw):
            header = self._header(table, reader)
            file, before, position = str(self._paths[table]), reader.line_num, 0
            while True:
                line = before + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    before = reader.line_num
                    yield Row(Place(file, line), {}, f"not CSV: {error}")
                    continue
                before = reader.line_num
                if cells:
                    yield _row(Place(file, line), header, cells)
                self._bytes_read += raw.tell() - position
                position = raw.tell()

    def read_share(self) -> float | None:
        """Return the share of the files' bytes, as they lie on disk."""
        return min(1.0, self._bytes_read / self._bytes) if self._bytes else None

    @contextmanager
    def _reader(self, table: str) -> Iterator[tuple[Reader, BinaryIO]]:
        path = self._paths.get(table)
        if path is None:
            given = ", ".join(self._paths) or "none"
            raise SettingsError(
                f"no table {table} among the files (there is: {given}); add {table}.csv or {table}.csv.gz"
            )
        # The limit is the csv module's own, for the whole process; its default would cut a long description off.
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        try:
            with path.open("rb") as raw:
                data = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if path.name.endswith(".gz") else raw
                encoding = "utf-8-sig" if self._format.encoding.lower() in {"utf-8", "utf8"} else self._format.encoding
                # What is not in that encoding becomes surrogates, so that one bad row does not end the file.
                with TextIOWrapper(data, encoding, errors="surrogateescape", newline="") as text:
                    yield csv.reader(text, delimiter=self._format.delimiter, strict=True), raw
        except (OSError, EOFError, UnicodeError, zlib.error) as error:
            raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or error}") from error

    def _header(self, table: str, reader: Reader) -> list[str]:
        try:
            header = [cell.strip() for cell in next(reader, [])]
        except csv.Error as error:
            raise SettingsError(f"{self._paths[table]}:1: not CSV: {error}") from error
        if not any(header):
            raise SettingsError(f"{self._paths[table]}: no header line; the first line must name the columns")
        doubled = {name for name in header if header.count(name) > 1}
        if doubled:
            raise SettingsError(f"{self._paths[table]}:1: column {min(doubled)!r} is there twice; rename one")
        return header


def table_name(path: Path) -> str:
    """Return the table a file holds: its name without `.gz` and `.csv`."""
    name = path.name.removesuffix(".gz")
    return name.removesuffix(".csv") or path.name


def _row(place: Place, header: Sequence[str], cells: Sequence[str]) -> Row:
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    if len(cells) != len(header):
        return Row(place, row, f"{len(cells)} cells, but the header has {len(header)}")
    garbled = [name for name, cell in row.items() if not cell.isascii() and _has_surrogate(cell)]
    if garbled:
        # Left out: no text can hold them, be it a scratch table's or the rejects file's.
        kept = {name: cell for name, cell in row.items() if name not in garbled}
        return Row(place, kept, f"{', '.join(garbled)}: not in the mapping's csv.encoding")
    return Row(place, row)


def _has_surrogate(cell: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in cell)
