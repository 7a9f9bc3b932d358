"""One order's archived events. Found by the manifest's ranges and the row groups' bounds, so that little is read."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import asyncpg

from pipelines.edges.archive.errors import ArchiveAway
from pipelines.engine.stores.named_sql import named_sql

if TYPE_CHECKING:
    from pipelines.edges.archive.manifest import Manifest
    from pipelines.edges.archive.store import Store

V = TypeVar("V")

READ_SECONDS = 4.0
"""An archive that has not answered by then is away: somebody waits for the page."""

_MONTHS = named_sql(__package__, "archived_of_order")
_THREADS = 4
_MANIFESTS = 128
_FOOTERS = 64


class Where(NamedTuple):
    """An order's number, and an archived month that may have events of it: its folder, its manifest's SHA-256."""

    order_no: int
    path: str
    manifest: bytes


async def months_of(connection: asyncpg.Connection, order_id: str) -> list[Where]:
    """Return the archived months between an order's opening and its last event. Raises as the database does."""
    rows = await connection.fetch(_MONTHS, order_id)
    return [Where(row["order_no"], row["path"], row["manifest"]) for row in rows]


class ArchivedEvents:
    """Reads what is in the archive at `url`; connects to nothing before it is asked. Remembers what finds an order."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._store: Store | None = None
        self._manifests: _Few[Manifest] = _Few(_MANIFESTS)
        self._footers: _Few[Any] = _Few(_FOOTERS)
        self._threads = ThreadPoolExecutor(_THREADS, "archive")

    async def rows(self, months: Sequence[Where], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Return these columns, `stream_offset` among them, of all events in these months, in stream order.

        Raises:
            SettingsError: there is no such address as the archive's.
            ArchiveAway: it does not answer in time.
            ArchiveDamaged: files are missing or broken.
        """
        if not months:
            return []
        try:
            async with asyncio.timeout(READ_SECONDS):
                loop = asyncio.get_running_loop()
                found = await asyncio.gather(
                    *(loop.run_in_executor(self._threads, self._read, where, columns) for where in months)
                )
        except TimeoutError as error:
            raise ArchiveAway(
                f"the archive did not answer within {READ_SECONDS:.0f} s; is it up? see WARREN_ARCHIVE_URL"
            ) from error
        return sorted((row for rows in found for row in rows), key=lambda row: row["stream_offset"])

    def close(self) -> None:
        """Wait for nothing that is under way. Safe twice."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, where: Where, columns: Sequence[str]) -> list[dict[str, Any]]:
        # They take their time to load, and most orders have nothing in the archive.
        from pipelines.edges.archive.order_rows import read_order
        from pipelines.edges.archive.store import Store
        from pipelines.edges.archive.verifying import load_manifest

        if self._store is None:
            self._store = Store(self._url)
        store = self._store
        made = self._manifests.get(where.manifest, lambda: load_manifest(store, where.path, where.manifest))
        rows: list[dict[str, Any]] = []
        for entry in made.with_order(where.order_no):
            path = f"{where.path}/{entry.name}"
            footer = partial(self._footers.get, (path, entry.sha256))
            rows += read_order(store, path, where.order_no, columns, footer)
        return [{name: _in_utc(value) for name, value in row.items()} for row in rows]


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


class _Few(Generic[V]):
    """The values used last. Of two threads that miss the same one, both make it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        value = self._values.pop(key, None)
        value = make() if value is None else value
        self._values[key] = value
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
