"""A partition's rows as Arrow tables, straight from PostgreSQL's COPY, and the files' rows beside them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from pipelines.edges.archive.datasets import Dataset
from pipelines.edges.archive.errors import ArchiveDamaged
from pipelines.edges.archive.manifest import Manifest
from pipelines.edges.archive.store import Store
from schemas.errors import StoreUnavailable, said

GROUP_ROWS = 10_000
"""A row group's rows: so much is read to find one order."""

PAGE_ROWS = 5 * GROUP_ROWS
"""So many rows PostgreSQL is asked for at once."""


class Partition:
    """A table's rows at one moment, however often they are read. Each method blocks."""

    def __init__(self, connection: dbapi.Connection, dataset: Dataset, table: str) -> None:
        self._connection = connection
        self._dataset = dataset
        self._table = table

    def count(self) -> int:
        """Return how many rows there are."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self._table}")  # noqa: S608 - a name of ours, quoted
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def rows(self) -> Generator[pa.Table, None, None]:
        """Give all rows, sorted, `GROUP_ROWS` at a time, the last ones fewer. Raises StoreUnavailable."""
        with _reading(self._table), self._connection.cursor() as cursor:
            yield from _regrouped(self._pages(cursor), self._dataset.schema)

    def _pages(self, cursor: dbapi.Cursor) -> Iterator[pa.RecordBatch]:
        """Walk the key's index: the server never sorts a month, and stands still while nobody takes more."""
        behind = "true"
        while True:
            cursor.execute(self._dataset.query.format(table=self._table, behind=behind, limit=PAGE_ROWS))
            page = cursor.fetch_arrow_table()
            yield from page.to_batches()
            if page.num_rows < PAGE_ROWS:
                return
            last = page.slice(page.num_rows - 1).select(self._dataset.sequence).to_pylist()[0]
            behind = f"({', '.join(last)}) > ({', '.join(map(_literal, last.values()))})"


@contextmanager
def partition_at_once(dsn: str, dataset: Dataset, table: str) -> Iterator[Partition]:
    """Give the rows of one moment of `table`, a quoted name with its schema. Raises StoreUnavailable."""
    with _reading(table), dbapi.connect(dsn) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield Partition(connection, dataset, table)


def file_rows(store: Store, folder: str, manifest: Manifest, schema: pa.Schema) -> Generator[pa.Table, None, None]:
    """Give the rows of a month's files, `GROUP_ROWS` at a time. Raises ArchiveDamaged or ArchiveAway."""

    def batches() -> Iterator[pa.RecordBatch]:
        for entry in manifest.files:
            path = f"{folder}/{entry.name}"
            with store.open(path) as file, readable(path):
                yield from pq.ParquetFile(file).iter_batches(GROUP_ROWS)

    yield from _regrouped(batches(), schema)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Say of a file that cannot be read which it is. Raises ArchiveDamaged."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        raise ArchiveDamaged(
            f"{path} cannot be read: {said(error)}; bring it back from a copy, then `warren archive verify`"
        ) from error


@contextmanager
def _reading(table: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise StoreUnavailable(
            f"PostgreSQL did not give the rows of {table}: {said(error)}; is it up? then run it again"
        ) from error


def _literal(value: int | datetime) -> str:
    return str(value) if isinstance(value, int) else f"'{value.isoformat()}'"


def _regrouped(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    size = 0
    for batch in batches:
        waiting.append(pa.Table.from_batches([batch]).cast(schema))
        size += batch.num_rows
        if size >= GROUP_ROWS:
            table = pa.concat_tables(waiting)
            whole = size - size % GROUP_ROWS
            for first in range(0, whole, GROUP_ROWS):
                yield table.slice(first, GROUP_ROWS)
            waiting, size = [table.slice(whole)], size - whole
    if size:
        yield pa.concat_tables(waiting)
