"""One order's rows of one file: of the row groups whose bounds allow it, no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.edges.archive.rows import readable
from pipelines.edges.archive.store import Store


def read_order(
    store: Store,
    path: str,
    order_no: int,
    columns: Sequence[str],
    footer: Callable[[Callable[[], pq.FileMetaData]], pq.FileMetaData],
) -> list[dict[str, Any]]:
    """Return these columns of the order's rows. `footer` gives the file's, by reading it or from memory.

    Raises ArchiveDamaged or ArchiveAway.
    """
    with store.open(path) as file, readable(path):
        metadata = footer(lambda: pq.read_metadata(file))
        number = metadata.schema.names.index("order_no")
        groups = []
        for group in range(metadata.num_row_groups):
            bounds = metadata.row_group(group).column(number).statistics
            if bounds is None or bounds.min <= order_no <= bounds.max:
                groups.append(group)
        if not groups:
            return []
        wanted = list(dict.fromkeys(["order_no", *columns]))
        table = pq.ParquetFile(file, metadata=metadata).read_row_groups(groups, wanted)
        rows: list[dict[str, Any]] = table.filter(pc.equal(table["order_no"], order_no)).select(columns).to_pylist()
        return rows
