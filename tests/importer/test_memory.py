"""An import's memory does not grow with the tables."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Sequence

from pipelines.edges.importer import import_orders, parse_mapping
from pipelines.edges.importer.rows import Place, Row
from tests.importer.shop import LINE_COLUMNS, MAPPING, ORDER_COLUMNS, line, order


class MadeTables:
    """Tables made up while they are read: `orders` rows, and ten lines for each."""

    def __init__(self, orders: int) -> None:
        self._orders = orders

    async def header(self, table: str) -> Sequence[str]:
        return ORDER_COLUMNS if table == "orders" else LINE_COLUMNS

    async def rows(self, table: str) -> AsyncIterator[Row]:
        make = order if table == "orders" else line
        # Lines lie scattered, as in a table sorted by something else.
        for number in range(self._orders * (1 if table == "orders" else 10)):
            yield Row(Place(table, number + 1), make(f"A{number % self._orders}"))

    def read_share(self) -> float | None:
        return None


async def peak_bytes(orders: int) -> int:
    async def drop(batch: Sequence[bytes]) -> None:
        assert len(batch) == 1000

    tracemalloc.start()
    try:
        result = await import_orders(
            parse_mapping(MAPPING), MadeTables(orders), drop, on_reject=print, on_progress=lambda _: None
        )
        assert (result.orders, result.events, result.rejected) == (orders, 2 * orders, 0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_memory_stays_flat() -> None:
    await peak_bytes(500)  # what is loaded once only
    small, large = await peak_bytes(1000), await peak_bytes(4000)
    assert large < 1.25 * small, f"{small} bytes for 1,000 orders, {large} for 4,000"
