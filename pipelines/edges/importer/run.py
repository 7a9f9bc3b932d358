"""One import from first row to last: the main table streams, joined tables wait on disk, batches are confirmed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pipelines.edges.importer.columns import MAIN, check_header, used_columns
from pipelines.edges.importer.events import EventMaker
from pipelines.edges.importer.mapping import Mapping
from pipelines.edges.importer.rows import Record, Reject, Row, Tables, Unusable
from pipelines.edges.importer.spill import Spill

BATCH_EVENTS = 1000
"""So many events, to the next whole order, are published and confirmed at once."""

Publish = Callable[[Sequence[bytes]], Awaitable[None]]


@dataclass(slots=True)
class ImportResult:
    """What an import did so far.

    `rows` of the main table were read; `orders` of them gave `events`, of which the broker has `confirmed` so many.
    `rejected` rows, of any table, gave none. `unmatched` are joined tables none of whose rows belonged to an order.
    """

    rows: int = 0
    orders: int = 0
    events: int = 0
    confirmed: int = 0
    rejected: int = 0
    unmatched: list[str] = field(default_factory=list)


async def import_orders(
    mapping: Mapping,
    tables: Tables,
    publish: Publish | None,
    *,
    on_reject: Callable[[Reject], None],
    on_progress: Callable[[ImportResult], None],
) -> ImportResult:
    """Turn every order of the tables into events and publish them. Done again, it publishes the same events.

    Memory does not grow with the tables. `publish` returns when the broker has confirmed its events; None validates
    and counts only. `on_reject` is told of each bad row at once, `on_progress` after every batch.

    Raises:
        SettingsError: the mapping does not fit the tables, or a table cannot be read.
        Whatever `publish` raises; nothing of later batches was sent then, and importing again is safe.
    """
    used = used_columns(mapping)
    for label, table in _tables_of(mapping):
        check_header(table, label, await tables.header(table), used[label])
    result = ImportResult()

    def reject(row: Reject) -> None:
        result.rejected += 1
        on_reject(row)

    async def flush(batch: list[bytes]) -> None:
        if publish is not None:
            await publish(batch)
            result.confirmed += len(batch)
        batch.clear()
        on_progress(result)

    maker = EventMaker(mapping)
    with Spill() as spill:
        columns = {label: list(names) for label, names in used.items() if label is not MAIN}
        await spill.load(tables, mapping.joined, columns, reject, lambda: on_progress(result))
        batch: list[bytes] = []
        async for row in tables.rows(mapping.main.table):
            result.rows += 1
            try:
                events = maker.events(_record(mapping, spill, row))
            except Unusable as error:
                reject(Reject(error.place, error.reason, row.cells.get(mapping.main.order_id) or None))
                continue
            result.orders += 1
            result.events += len(events)
            batch += events
            if len(batch) >= BATCH_EVENTS:
                await flush(batch)
        if batch:
            await flush(batch)
        result.unmatched = spill.unmatched() if result.orders else []
    return result


def _tables_of(mapping: Mapping) -> list[tuple[str | None, str]]:
    return [(MAIN, mapping.main.table), *((label, joined.table) for label, joined in mapping.joined.items())]


def _record(mapping: Mapping, spill: Spill, row: Row) -> Record:
    """Bring an order's rows together. Raises Unusable where the main table had the order already."""
    order_id = row.cells.get(mapping.main.order_id, "")
    if row.problem is not None or not order_id:
        return Record(row)
    before = spill.meet(order_id, row.place.line)
    if before is not None:
        raise Unusable(row.place, f"order {order_id} was in line {before} already; the main table has a row per order")
    joined = {
        label: spill.rows(label, row.cells[table.to or mapping.main.order_id])
        for label, table in mapping.joined.items()
    }
    return Record(row, joined)
