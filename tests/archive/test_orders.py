"""What comes late takes effect on an archived order exactly as on a finished one, once (I2, I7)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.edges.archive.progress import Step
from pipelines.engine.settings import Settings
from pipelines.flows.views import tables
from pipelines.flows.views.projection import Views
from tests.archive.support import CLOSED, NOW, OLD, come_back, fill, leave, settings_of
from tests.instance.direct import batch, instance
from tests.instance.tables import read_tables
from tests.support.events import LIFE, event
from tests.support.runs import Run, fresh_run

LATE_EVENTS = [
    event(CLOSED, "note_added", event_id="late"),
    event(CLOSED, "price_calculated", event_id="dearer", data={"price": {"amount": "99.90", "currency": "EUR"}}),
    event(CLOSED, "submitted"),  # a duplicate of one that has left
    event(CLOSED, "cancelled", event_id="too late"),
    event(CLOSED, "closed"),  # a duplicate of what ended it
]
CONFLICT = event(CLOSED, "note_added", event_id="a note", data={"text": "another", "author": "ada"})


async def _live(run: Run, archived: bool, folder: Path) -> dict[str, Any]:
    offset = await fill(run)
    if archived:
        await leave(settings_of(run, folder))
    async with instance(run) as running:
        await running.commit(batch([*LATE_EVENTS, CONFLICT], offset, recorded_at=NOW))
    if archived:
        await come_back(settings_of(run, folder))
    connection = await run.connect()
    found = await read_tables(connection)
    found["totals"] += [tuple(row) for row in await connection.fetch("SELECT duplicates, quarantined FROM checkpoint")]
    await connection.close()
    return found


async def test_a_late_event_is_the_same_on_an_archived_order_as_on_a_finished_one(
    servers: Addresses, folder: Path
) -> None:
    async with fresh_run(servers) as one, fresh_run(servers) as other:
        finished = await _live(one, False, folder)
        archived = await _live(other, True, folder)
    assert archived == finished
    (order,) = (row for row in archived["closed_orders"] if row[0] == CLOSED)
    assert (order[6], order[10]) == ("99.90", len(LIFE) + 1 + 3)


async def test_a_late_event_changes_the_archived_row_and_makes_no_other(run: Run, archiving: Settings) -> None:
    offset = await fill(run)
    await leave(archiving)
    async with instance(run) as running:
        await running.commit(batch(LATE_EVENTS, offset, recorded_at=NOW))
    connection = await run.connect()
    rows = await connection.fetch("SELECT order_id, revision, price_amount::text FROM archived_orders")
    assert [tuple(row) for row in rows] == [(CLOSED, 14, "99.90")]
    assert await connection.fetchval("SELECT count(*) FROM open_orders WHERE order_id = $1", CLOSED) == 0
    assert await connection.fetchval("SELECT sum(orders) FROM counts") == 4
    await connection.close()


@pytest.mark.parametrize("back", [False, True], ids=["leaves", "comes back"])
async def test_a_batch_that_loaded_before_the_swap_and_writes_after_it_hits_the_row(
    run: Run, archiving: Settings, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    offset = await fill(run)
    if back:
        await leave(archiving)
    load = tables.load
    swaps = 0

    async def load_then_swap(connection: asyncpg.Connection, order_nos: Any) -> Any:
        nonlocal swaps
        states = await load(connection, order_nos)
        if not swaps:
            swaps += 1
            await (come_back(archiving) if back else leave(archiving))
        return states

    monkeypatch.setattr(tables, "load", load_then_swap)
    async with instance(run, Views()) as running:
        await running.commit(batch(LATE_EVENTS[:1], offset, recorded_at=NOW))
    assert swaps == 1
    connection = await run.connect()
    table = "closed_orders" if back else "archived_orders"
    assert await connection.fetchval(f"SELECT revision FROM {table} WHERE order_id = $1", CLOSED) == 12
    await connection.close()


async def test_late_events_while_the_month_leaves_are_not_held_up_nor_lost(run: Run, archiving: Settings) -> None:
    """Between reading and swapping an order may change: the row that moves is the changed one."""
    offset = await fill(run)
    running_steps: list[str] = []
    loop = asyncio.get_running_loop()

    async def change(number: int) -> None:
        async with instance(run) as running:
            note = event(CLOSED, "note_added", event_id=f"note {number}")
            await asyncio.wait_for(running.commit(batch([note], offset + number, recorded_at=NOW)), 5)

    def told(step: Step) -> None:
        if step.dataset == "orders" and step.month == OLD and step.name in ("begun", "written", "listed", "compared"):
            running_steps.append(step.name)
            asyncio.run_coroutine_threadsafe(change(len(running_steps) - 1), loop).result(20)

    await leave(archiving, told)
    assert running_steps == ["begun", "written", "listed", "compared"]
    connection = await run.connect()
    assert await connection.fetchval("SELECT revision FROM archived_orders WHERE order_id = $1", CLOSED) == 15
    await connection.close()
