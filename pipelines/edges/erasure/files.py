"""What the archive has of a customer: found, and left out when a month's files are written anew.

A month's new files lie in a folder of their own (`2026-03~1`), are read back and compared with what they should be, and
count from the transaction that notes them; then the old ones go. Whatever ends it before, the next run begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from functools import partial

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.edges.archive.datasets import DATASETS, TIMELINE, Dataset
from pipelines.edges.archive.manifest import FILE, Manifest
from pipelines.edges.archive.months import Archived, archived_months
from pipelines.edges.archive.progress import Told as Steps
from pipelines.edges.archive.progress import nobody
from pipelines.edges.archive.rows import file_rows
from pipelines.edges.archive.store import Store
from pipelines.edges.archive.verifying import compare, load_manifest
from pipelines.edges.archive.working import in_thread
from pipelines.edges.archive.writing import clear, write
from pipelines.edges.erasure.report import Erasure, Told
from pipelines.edges.erasure.tables import names
from pipelines.engine.stores.named_sql import named_sql
from schemas.erasure import ERASED
from schemas.orders import NAMING

_REWRITTEN = named_sql(__package__, "month_rewritten")

_COUNTED = "~"


class ArchivedMonths:
    """The months of one instance that have left. Nobody else archives or restores there meanwhile."""

    def __init__(self, store: Store, schema: str, months: list[Archived]) -> None:
        self._store = store
        self._schema = schema
        self._months = months

    @classmethod
    async def of(cls, connection: asyncpg.Connection, store: Store, schema: str) -> ArchivedMonths:
        """Read which there are. Raises as the database does."""
        return cls(store, schema, await archived_months(connection))

    async def orders_of(self, customer_id: str, told: Told) -> set[int]:
        """Return the numbers of the orders in whose archived events the customer is named.

        Raises ArchiveDamaged or ArchiveAway, as all methods do.
        """

        def read(_: Steps) -> set[int]:
            found: set[int] = set()
            for month in self._months:
                if month.dataset == TIMELINE.name:
                    told(f"archive, {month.month}")
                    made = load_manifest(self._store, month.path, month.manifest)
                    for table in file_rows(self._store, month.path, made, TIMELINE.schema):
                        naming = table.filter(pc.is_in(table["event_type"], pa.array(sorted(NAMING))))
                        rows = zip(naming["order_no"].to_pylist(), naming["body"].to_pylist(), strict=True)
                        found |= {order_no for order_no, body in rows if body and names(body, customer_id)}
            return found

        return await in_thread(read, nobody)

    def leftover(self) -> list[str]:
        """Return the folders that no month which has left is in: a restored month's, or those a killed run left."""
        ours = {month.path for month in self._months}
        return [
            path
            for dataset in DATASETS
            for name in self._store.names(f"{self._schema}/{dataset.name}")
            if (path := f"{self._schema}/{dataset.name}/{name}") not in ours and self._store.names(path)
        ]

    async def erase(self, connection: asyncpg.Connection, orders: set[int], told: Told, done: Erasure) -> None:
        """Write those months anew which have something of the orders, and clear away what a killed run left of them."""
        for month in self._months:
            dataset = next(one for one in DATASETS if one.name == month.dataset)
            told(f"archive, {month.month} {dataset.name}")
            written = await in_thread(partial(self._written_anew, month, dataset, orders), nobody)
            if written is not None:
                folder, made, digest = written
                await connection.execute(_REWRITTEN, dataset.name, month.month.day, folder, made.size, digest)
                await asyncio.to_thread(clear, self._store, month.path)
                done.months.append(f"{month.month} {dataset.name}")

    def _written_anew(
        self, month: Archived, dataset: Dataset, orders: set[int], steps: Steps
    ) -> tuple[str, Manifest, bytes] | None:
        """Return the new folder, its manifest and that one's digest; None where the month has nothing of the orders."""
        for path in self._superseded(month):
            clear(self._store, path)
        old = load_manifest(self._store, month.path, month.manifest)
        if not any(old.with_order(order_no) for order_no in orders):
            return None

        def tables() -> Iterator[tuple[pa.Table, pa.Table]]:
            for table in file_rows(self._store, month.path, old, dataset.schema):
                yield table, _erased(dataset, table, orders)

        if all(after.equals(before) for before, after in tables()):
            return None
        base, _, number = month.path.partition(_COUNTED)
        folder = f"{base}{_COUNTED}{int(number or 0) + 1}"
        made = write(self._store, folder, dataset, month.month, (after for _, after in tables()), steps)
        compare(self._store, folder, dataset, month.month, made, (after for _, after in tables()), steps)
        return folder, made, hashlib.sha256(self._store.read(f"{folder}/{FILE}")).digest()

    def _superseded(self, month: Archived) -> list[str]:
        """Other folders of the month: what was written before or, unfinished, after the one that counts."""
        folder, _, name = month.path.rpartition("/")
        plain = name.partition(_COUNTED)[0]
        others = [n for n in self._store.names(folder) if n.partition(_COUNTED)[0] == plain and n != name]
        return [path for n in others if self._store.names(path := f"{folder}/{n}")]


def _erased(dataset: Dataset, table: pa.Table, orders: set[int]) -> pa.Table:
    column, nothing = ("body", b"") if dataset is TIMELINE else ("customer_id", ERASED)
    theirs = pc.is_in(table["order_no"], pa.array(sorted(orders), pa.int64()))
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    return table.set_column(place, field, pc.if_else(theirs, pa.scalar(nothing, field.type), table[column]))
