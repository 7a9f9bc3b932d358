"""The proof that the files have what the database has, and, ever after, that they still are what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import zip_longest

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.edges.archive import manifest as listing
from pipelines.edges.archive.ahead import ahead
from pipelines.edges.archive.datasets import Dataset
from pipelines.edges.archive.errors import ArchiveDamaged
from pipelines.edges.archive.manifest import FileEntry, Manifest, read_manifest
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import Step, Told
from pipelines.edges.archive.rows import GROUP_ROWS, file_rows, readable
from pipelines.edges.archive.store import Store


def load_manifest(store: Store, folder: str, digest: bytes | None = None) -> Manifest:
    """Return a month's manifest; `digest` is its SHA-256 where that is known. Raises ArchiveDamaged or ArchiveAway."""
    path = f"{folder}/{listing.FILE}"
    body = store.read(path)
    if digest is not None and hashlib.sha256(body).digest() != digest:
        raise ArchiveDamaged(
            f"{path} is not the one that was written when the month left; bring it back from a copy, then "
            "`warren archive verify`"
        )
    return read_manifest(body, path)


def compare(
    store: Store, folder: str, dataset: Dataset, month: Month, made: Manifest, tables: Iterator[pa.Table], told: Told
) -> None:
    """Read the files back and hold them, bit for bit, against the rows they should have.

    Raises ArchiveDamaged, naming the first difference, or ArchiveAway.
    """
    for entry in made.files:
        _check_bytes(store, folder, entry)
    done = 0
    with ahead(file_rows(store, folder, made, dataset.schema)) as files:
        for ours, theirs in zip_longest(tables, files):
            if ours is None or theirs is None or not _bits(ours).equals(_bits(theirs)):
                raise ArchiveDamaged(
                    f"{folder}: the files differ from the database between row {done} and {done + GROUP_ROWS}; the "
                    "rows stay where they were"
                )
            done += ours.num_rows
            told(Step(dataset.name, month, "compared", ours.num_rows))
    if done != made.rows:
        raise ArchiveDamaged(f"{folder}: the manifest says {made.rows} rows, there are {done}")


def check_files(store: Store, folder: str, dataset: Dataset, month: Month, made: Manifest, told: Told) -> list[str]:
    """Read all files of a month anew and return what is wrong with them, a line for each file. Raises ArchiveAway."""
    wrong = []
    last: tuple[int, ...] | None = None
    for entry in made.files:
        try:
            _check_bytes(store, folder, entry)
            last = _check_rows(store, folder, dataset, month, entry, last)
        except ArchiveDamaged as error:
            wrong.append(str(error))
        told(Step(dataset.name, month, "verified", entry.rows))
    return wrong


def _check_bytes(store: Store, folder: str, entry: FileEntry) -> None:
    path = f"{folder}/{entry.name}"
    if store.sha256(path) != entry.sha256:
        raise ArchiveDamaged(
            f"{path} is not as it was written: its SHA-256 differs from the manifest's; bring it back from a copy, "
            "then `warren archive verify`"
        )


def _check_rows(
    store: Store, folder: str, dataset: Dataset, month: Month, entry: FileEntry, last: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """Check that a file has its rows, sorted, behind `last`, and within the month; return its last place."""
    path = f"{folder}/{entry.name}"
    rows = 0
    with store.open(path) as file, readable(path):
        for batch in pq.ParquetFile(file).iter_batches(GROUP_ROWS, columns=list(dataset.sequence)):
            rows += batch.num_rows
            times = batch.column(dataset.key)
            if not month.begin <= pc.min(times).as_py() <= pc.max(times).as_py() < month.end:
                raise ArchiveDamaged(f"{path} has rows that are not of {month}")
            places = list(
                zip(*(batch.column(name).cast(pa.int64()).to_pylist() for name in dataset.sequence), strict=True)
            )
            if places != sorted(places) or (last is not None and places[0] < last):
                raise ArchiveDamaged(f"{path} is not sorted by {', '.join(dataset.sequence)}")
            last = places[-1]
    if rows != entry.rows:
        raise ArchiveDamaged(f"{path} has {rows} rows, the manifest says {entry.rows}")
    return last


def _bits(table: pa.Table) -> pa.Table:
    """Show floating-point numbers by their bits: what is no number equals itself, and two zeros differ."""
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            bits = pa.chunked_array([chunk.view(pa.int64()) for chunk in table.column(place).chunks], pa.int64())
            table = table.set_column(place, field.name, bits)
    return table
