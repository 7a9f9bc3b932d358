"""A month's rows to Parquet files, then the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.edges.archive import manifest as listing
from pipelines.edges.archive.datasets import Dataset
from pipelines.edges.archive.manifest import FileEntry, Manifest
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import Step, Told
from pipelines.edges.archive.rows import GROUP_ROWS
from pipelines.edges.archive.store import Store, Writing

FILE_ROWS = 1_000_000
FILE_BYTES = 512 * 1024 * 1024
"""A file that has so many rows, or bytes, is followed by another."""


def clear(store: Store, folder: str) -> None:
    """Remove what an earlier attempt left, its manifest first."""
    store.remove(f"{folder}/{listing.FILE}")
    for name in store.names(folder):
        store.remove(f"{folder}/{name}")


def write(
    store: Store, folder: str, dataset: Dataset, month: Month, tables: Iterator[pa.Table], told: Told
) -> Manifest:
    """Write sorted rows, `GROUP_ROWS` a table, into files, and the manifest that names them. Raises ArchiveAway."""
    entries: list[FileEntry] = []
    table = next(tables, None)
    while table is not None:
        name = f"part-{len(entries):05}.parquet"
        rows, first = 0, table["order_no"][0].as_py()
        with ExitStack() as stack:
            file = stack.enter_context(store.create(f"{folder}/{name}"))
            writer = stack.enter_context(_writer(file, dataset))
            while table is not None and rows < FILE_ROWS and file.size < FILE_BYTES:
                writer.write_table(table, row_group_size=GROUP_ROWS)
                rows += table.num_rows
                last = table["order_no"][-1].as_py()
                told(Step(dataset.name, month, "written", table.num_rows))
                table = next(tables, None)
            writer.close()
        entries.append(
            FileEntry(
                name=name, rows=rows, first_order_no=first, last_order_no=last, size=file.size, sha256=file.digest
            )
        )
        told(Step(dataset.name, month, "filed"))
    made = Manifest(
        dataset=dataset.name, month=str(month), rows=sum(entry.rows for entry in entries), files=tuple(entries)
    )
    with store.create(f"{folder}/{listing.FILE}") as file:
        file.write(made.to_bytes())
    told(Step(dataset.name, month, "listed"))
    return made


def _writer(file: Writing, dataset: Dataset) -> pq.ParquetWriter:
    # Numbers and times find an order; of ids and bodies bounds would only make every look-up read more.
    bounded = [field.name for field in dataset.schema if pa.types.is_integer(field.type) or field.name == dataset.key]
    return pq.ParquetWriter(
        pa.PythonFile(file, mode="w"),
        dataset.schema,
        compression="zstd",
        use_dictionary=list(dataset.words),
        write_statistics=bounded,
    )
