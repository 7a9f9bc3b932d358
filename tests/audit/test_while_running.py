"""The pipeline goes on while it is audited: what came later is no fault, and what is wrong is found all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipelines.audit import AuditReport, Kind, audit
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import connect
from tests.audit.stores import PARKING, SOUND, commit, publish
from tests.support.events import event, life
from tests.support.runs import Run

BEGUN = ("initiated", "file_uploaded", "submitted")


async def audit_while(settings: Settings, what: Callable[[], Coroutine[Any, Any, None]], times: int) -> AuditReport:
    """Audit, and do something each time the audit has read all it knows of, for the first so many times.

    `progress` tells that moment: one half of the steps is reading, the other comparing, and catching up comes on top.
    There must be no duplicates at the start. What is done is done before the audit goes on, by a thread with an event
    loop of its own.
    """
    left = times
    events = 0

    def progress(done: int, steps: int) -> None:
        nonlocal left, events
        events = events or steps // 2
        all_read = done == events or done == steps > 2 * events
        if all_read and left:
            left -= 1
            with ThreadPoolExecutor(1) as other:
                other.submit(asyncio.run, what()).result()

    return await audit(settings, progress=progress)


async def fill(settings: Settings) -> None:
    await publish(settings, [fields for number in range(10) for fields in life(f"A{number}", *BEGUN)])
    await commit(settings, SOUND())


async def test_orders_that_went_on_are_compared_where_they_are_now(run: Run) -> None:
    await fill(run.settings)

    async def go_on() -> None:
        await publish(run.settings, [event(f"A{number}", "price_calculated") for number in range(5)])
        await publish(run.settings, [*life("NEW", *BEGUN), *life("A0", "initiated")])
        await commit(run.settings, SOUND())

    report = await audit_while(run.settings, go_on, 1)
    assert report.clean, report.findings
    assert (report.events_in_stream, report.applied, report.unsettled, report.orders) == (30, 30, 0, 10)


async def test_a_fault_in_an_order_that_went_on_is_found(run: Run) -> None:
    await fill(run.settings)

    async def go_on_wrongly() -> None:
        await publish(run.settings, [event(f"A{number}", "price_calculated") for number in range(5)])
        await commit(run.settings, SOUND())
        connection = await connect(run.settings.postgres_dsn, "views_v1")
        await connection.execute("UPDATE open_orders SET price_amount = 1 WHERE order_id = 'A3'")
        await connection.execute("UPDATE open_orders SET price_amount = 1 WHERE order_id = 'A7'")
        await connection.close()

    report = await audit_while(run.settings, go_on_wrongly, 1)
    assert sorted((finding.kind, finding.order_id) for finding in report.findings) == [
        (Kind.PRICE, "A3"),
        (Kind.PRICE, "A7"),
    ]
    assert report.mismatches == 2


async def test_orders_that_never_rest_are_counted_as_unsettled(run: Run) -> None:
    await fill(run.settings)
    notes = iter(range(1000))

    async def go_on() -> None:
        note = event("A1", "note_added", event_id=f"note {next(notes)}")
        await publish(run.settings, [note, *life("A2", "price_calculated")])
        await commit(run.settings, SOUND())

    report = await audit_while(run.settings, go_on, 100)
    assert report.clean, report.findings
    assert report.unsettled == 1


async def test_parked_events_released_meanwhile_are_no_fault(run: Run) -> None:
    await fill(run.settings)
    boom = {"text": "boom", "author": "ada"}
    await publish(run.settings, [event("A1", "note_added", data=boom), *life("A1", "price_calculated")])
    await commit(run.settings, PARKING())
    before = await audit(run.settings)
    assert (before.applied, before.parked, before.clean) == (30, 2, True)

    async def release() -> None:
        await publish(run.settings, [event("A1", "released")])
        await commit(run.settings, SOUND())

    report = await audit_while(run.settings, release, 1)
    assert report.clean, report.findings
    assert (report.events_in_stream, report.applied, report.parked, report.unsettled) == (32, 32, 0, 0)


async def test_more_orders_than_one_range_and_more_bad_messages_than_one_page(run: Run) -> None:
    """Ranges and pages have seams; nothing may fall through them."""
    orders = [event(f"O{number}", "initiated") for number in range(2100)]
    await publish(run.settings, [*orders, *({**fields, "time": "never"} for fields in orders)])
    await commit(run.settings, SOUND(), at_once=1000)
    report = await audit(run.settings)
    assert report.clean, report.findings
    assert (report.applied, report.quarantined, report.orders) == (2100, 2100, 2100)
    connection = await run.connect()
    await connection.execute("DELETE FROM ledger")
    await connection.execute("DELETE FROM quarantine")
    await connection.close()
    report = await audit(run.settings)
    assert (report.lost, report.applied, report.quarantined) == (4200, 0, 0)
    assert (len(report.findings), report.findings_left_out) == (200, 4000)
