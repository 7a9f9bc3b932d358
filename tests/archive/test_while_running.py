"""Months leave while the pipeline goes on: nothing of either is lost, nothing counts twice, and the audit is clean."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.audit import audit
from pipelines.edges.archive.errors import ArchiveBusy
from pipelines.edges.archive.month import Month
from pipelines.edges.archive.progress import Step
from pipelines.edges.erasure.erasing import erase
from pipelines.engine.settings import Settings
from pipelines.engine.transport import chunk, jumps
from tests.archive.support import OLD, come_back, leave
from tests.audit.stores import publish
from tests.support.events import event, life
from tests.support.load import Load
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until

LONG_AGO = OLD.begin + timedelta(days=10)


class Past:
    """Makes all that the log has recorded by `now` recorded in `OLD`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._until: datetime | None = None
        original = chunk.recorded_at

        def recorded_at(deliver: Any) -> datetime:
            moment = original(deliver)
            if self._until is None or moment <= self._until:
                return LONG_AGO + (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0))
            return moment

        for module in (chunk, jumps):
            patch.setattr(module, "recorded_at", recorded_at)

    async def ends(self) -> None:
        """Let what comes from here on be recorded when it is."""
        self._until = datetime.now(UTC)
        await asyncio.sleep(0.05)  # not in the same millisecond


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> Past:
    """All that is published is recorded long ago, until it ends."""
    return Past(monkeypatch)


async def test_a_month_gives_way_to_an_order_that_turns_out_to_be_an_erased_customers(
    run: Run, archiving: Settings, past: Past
) -> None:
    """What the order's events said is in that month, and goes at once. A new order of theirs disturbs nobody."""
    async with running_pipeline(run):
        await publish(run.settings, [*life("OLD1"), event("WAITS", "initiated")])
        await caught_up(run)
        await past.ends()
        await erase(archiving, "ivan", "ada", lambda _: None, dry_run=False)
        loop, said = asyncio.get_running_loop(), list[str]()

        async def comes(order_id: str) -> None:
            await publish(run.settings, [event(order_id, "submitted", data={"customer_id": "ivan"})])

        async def waits() -> None:
            connection = await run.connect()
            await comes("NEW1")
            opened = "SELECT EXISTS (SELECT FROM open_orders WHERE order_id = 'NEW1')"
            await until(lambda: connection.fetchval(opened), "the new order, which disturbs nobody")
            await comes("WAITS")
            ungranted = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            await until(lambda: connection.fetchval(ungranted), "the batch to wait for the month")
            await connection.close()

        def told(at: Step) -> None:
            if at.name == "written" and not said:
                said.append(at.name)
                asyncio.run_coroutine_threadsafe(waits(), loop).result(20)
                time.sleep(0.6)  # for as long as it takes to look

        with pytest.raises(ArchiveBusy, match="run it again"):
            await leave(archiving, told)
        await caught_up(run)
        connection = await run.connect()
        bodies = "SELECT bool_or(body <> '') FROM timeline JOIN order_index USING (order_no) WHERE order_id = $1"
        assert not await connection.fetchval(bodies, "NEW1")
        assert not await connection.fetchval(bodies, "WAITS")
        await connection.close()
        await leave(archiving)
    report = await audit(archiving)
    assert report.clean, report.findings


@pytest.mark.long
async def test_the_pipeline_and_the_audit_go_on_meanwhile(
    run: Run, archiving: Settings, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.audit.run._ORDERS_AT_ONCE", 50)  # so that a month moves between two ranges
    old = [fields for n in range(40) for fields in life(f"OLD{n}")]
    waiting = [fields for n in range(20) for fields in life(f"OPEN{n}", "initiated", "submitted")]
    load = Load(run, 7, orders=60, pause=0.1, endless=True, prefix="NEW")
    async with running_pipeline(run):
        await publish(run.settings, [*old, *waiting])
        await caught_up(run)
        await past.ends()
        publishing = asyncio.create_task(load.publish())
        await load.published.wait()
        loop, late = asyncio.get_running_loop(), iter(range(10_000))

        async def come_late() -> None:
            """Something happens to orders whose month is just leaving, and something comes again."""
            number = next(late)
            note = event(f"OLD{number % 40}", "note_added", event_id=f"late {number}")
            await publish(run.settings, [note, old[number % len(old)], *life(f"OPEN{number % 20}", "packaging")])

        def told(_: Step) -> None:
            asyncio.run_coroutine_threadsafe(come_late(), loop)

        for _ in range(2):
            report, states = await asyncio.gather(audit(archiving), leave(archiving, told))
            assert {(s.month, s.state) for s in states} >= {(OLD, "archived")}
            assert report.clean, report.findings
            report, _ = await asyncio.gather(audit(archiving), come_back(archiving))
            assert report.clean, report.findings
        await leave(archiving, told)
        load.finish()
        await publishing
        await caught_up(run)
    report = await audit(archiving)
    assert report.clean, report.findings
    assert report.applied == report.distinct - report.quarantined
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM archived_orders") == 40
    assert await connection.fetchval("SELECT max(revision) FROM archived_orders") > 10
    assert await connection.fetchval("SELECT sum(rows) FROM archived_months WHERE dataset = 'timeline'") == 440
    assert Month.of(await connection.fetchval("SELECT min(recorded_at) FROM timeline")) > OLD
    await connection.close()
