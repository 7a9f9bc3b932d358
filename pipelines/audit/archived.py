"""The timeline of months that have left the database, read from their files along with the ranges of orders.

With a reader of its own: the files are sorted by order number, and that is all it relies on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from pipelines.audit.cutoffs import AuditImpossible
from schemas.errors import said

_COLUMNS = [
    "order_no", "stream_offset", "identity", "partition", "recorded_at", "source", "event_id", "event_type",
    "event_time", "trace_id", "stage", "revision", "body",
]  # fmt: skip

_ROWS_AT_ONCE = 5000

Row = dict[str, Any]


class ArchivedTimeline:
    """Gives archived rows in the sequence of their orders' numbers, each once."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._months: dict[str, _Month] = {}

    async def rows(self, paths: Sequence[str], after: int, up_to: int) -> list[Row]:
        """Return the rows behind order number `after` up to and with another, of the months at these paths.

        Raises AuditImpossible where the archive is away or cannot be read. A file that its manifest names and that is
        not there has no rows.
        """
        for gone in self._months.keys() - set(paths):
            del self._months[gone]  # it has come back to the database
        return await asyncio.to_thread(self._read, paths, after, up_to)

    def _read(self, paths: Sequence[str], after: int, up_to: int) -> list[Row]:
        found: list[Row] = []
        for path in paths:
            if path not in self._months:
                self._months[path] = _Month(self._root(path), after)
            found += self._months[path].take(up_to)
        return found

    def _root(self, path: str) -> str:
        if not self._url:
            raise AuditImpossible(
                f"{path} is in the archive, and WARREN_ARCHIVE_URL is not set; the audit needs the whole timeline"
            )
        return f"{self._url.rstrip('/')}/{path}"


class _Month:
    """A month's rows, one behind the other; those up to `after` are left out."""

    def __init__(self, folder: str, after: int) -> None:
        self._rows = (row for row in _rows(folder) if row["order_no"] > after)
        self._next: Row | None = None

    def take(self, up_to: int) -> Iterator[Row]:
        """Give the rows up to and with an order number."""
        row = self._next or next(self._rows, None)
        while row is not None and row["order_no"] <= up_to:
            yield row
            row = next(self._rows, None)
        self._next = row


def _rows(folder: str) -> Iterator[Row]:
    # They take their time to load, and many an audit meets no archive.
    import fsspec
    import pyarrow.parquet as pq

    try:
        files, root = fsspec.core.url_to_fs(folder, skip_instance_cache=True)
        names = [entry["name"] for entry in orjson.loads(files.cat_file(f"{root}/manifest.json"))["files"]]
        for name in names:
            try:
                file = files.open(f"{root}/{name}", "rb")
            except FileNotFoundError:
                continue
            with file:
                for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_ONCE, columns=_COLUMNS):
                    for row in batch.to_pylist():
                        yield row | {"body": hashlib.sha256(row["body"]).digest()[:8]}
    except Exception as error:  # of the store, of the file's format, of its content: none of them may pass for a proof
        raise AuditImpossible(
            f"the archive at {folder} cannot be read: {said(error)}; is it up? see WARREN_ARCHIVE_URL and "
            "`warren archive verify`"
        ) from error
