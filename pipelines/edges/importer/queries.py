"""Tables from a database: each is a query of the mapping, read with a server-side cursor in one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from collections.abc import Mapping as Lookup
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any

import asyncpg
from asyncpg import exceptions

from pipelines.edges.importer.rows import Place, Row
from schemas.errors import SettingsError, StoreUnavailable, said

_FLOATS = frozenset({"float4", "float8"})
_PREFETCH = 1000


class QueryTables:
    """Runs queries in PostgreSQL, read only, all of them on the same snapshot."""

    def __init__(self, dsn: str, queries: Lookup[str, str]) -> None:
        self._dsn = dsn
        self._queries = queries

    async def __aenter__(self) -> QueryTables:
        """Connect. Raises SettingsError for what is no address, StoreUnavailable where nobody answers or lets us in."""
        try:
            self._connection = await asyncpg.connect(
                self._dsn, timeout=10, server_settings={"application_name": "warren import"}
            )
        except (exceptions.ClientConfigurationError, ValueError) as error:
            raise SettingsError(f"--dsn: {error}") from error
        except (exceptions.PostgresError, exceptions.InterfaceError, OSError) as error:
            raise StoreUnavailable(f"--dsn: cannot connect: {said(error)}") from error
        self._snapshot = self._connection.transaction(isolation="repeatable_read", readonly=True)
        await self._snapshot.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing ends the transaction; there is nothing to commit.
        await self._connection.close()

    async def header(self, table: str) -> Sequence[str]:
        """Return the query's columns. Raises SettingsError for one whose values have no exact text."""
        with self._naming(table):
            statement = await self._connection.prepare(self._query(table))
        names = []
        for attribute in statement.get_attributes():
            if attribute.type.name in _FLOATS or attribute.type.kind not in {"scalar", "enum", "domain"}:
                raise SettingsError(
                    f"queries.{table}: column {attribute.name} is {attribute.type.name}, which has no exact text; "
                    f"cast it, as in {attribute.name}::{'numeric' if attribute.type.name in _FLOATS else 'text'}"
                )
            names.append(attribute.name)
        return names

    async def rows(self, table: str) -> AsyncIterator[Row]:
        """Yield the query's rows; NULL is an empty cell."""
        place, line = f"queries.{table}", 0
        with self._naming(table):
            async for record in self._connection.cursor(self._query(table), prefetch=_PREFETCH):
                line += 1
                yield Row(Place(place, line), {name: _text(value) for name, value in record.items()})

    def read_share(self) -> float | None:
        """Nobody knows how many rows a query has left."""
        return None

    def _query(self, table: str) -> str:
        if table not in self._queries:
            raise SettingsError(f"no query for table {table}; add it under [queries] in the mapping")
        return self._queries[table]

    @contextmanager
    def _naming(self, table: str) -> Iterator[None]:
        try:
            yield
        except (exceptions.PostgresError, exceptions.InterfaceError, OSError) as error:
            raise SettingsError(f"queries.{table}: {error}") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value).strip()
