"""Real orders through the real stream into the views: what is stored equals what DuckDB computes from the CSV files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.localservers import Addresses
from pipelines.audit import AuditReport, audit
from pipelines.edges.importer import ImportResult
from pipelines.edges.publisher import OrderPublisher
from tests.importer import olist
from tests.importer.olist import Standing, Step, Truth
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run, fresh_run

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Imported:
    """The sample in the views, after one import and after a second."""

    run: Run
    database: asyncpg.Connection
    results: tuple[ImportResult, ImportResult]
    digests: tuple[dict[str, Any], dict[str, Any]]
    totals: tuple[dict[str, int], dict[str, int]]
    report: AuditReport

    async def rows(self, name: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query in sql/."""
        return [tuple(row) for row in await self.database.fetch((SQL / f"{name}.sql").read_text())]


@pytest.fixture(scope="module")
async def imported(servers: Addresses, truth: Truth) -> AsyncIterator[Imported]:
    """Import twice while the pipeline runs, and look at the stores after each time."""
    async with fresh_run(servers) as run:
        database = await run.connect()
        results, digests, totals = [], [], []
        async with running_pipeline(run), OrderPublisher(run.settings) as publisher:
            for _ in range(2):
                results.append(await olist.import_sample(publisher.publish_many))
                await caught_up(run)
                digests.append(dict(await database.fetchrow((SQL / "stored_digest.sql").read_text())))
                totals.append(await _totals(database))
        report = await audit(run.settings)
        yield Imported(
            run, database, (results[0], results[1]), (digests[0], digests[1]), (totals[0], totals[1]), report
        )
        await database.close()


async def _totals(database: asyncpg.Connection) -> dict[str, int]:
    names = ("applied", "duplicates", "quarantined", "parked")
    row = await database.fetchrow(f"SELECT {', '.join(f'sum({name})' for name in names)} FROM checkpoint")
    return {name: int(value) for name, value in zip(names, row, strict=True)}


async def test_every_order_and_event_is_applied_once(imported: Imported) -> None:
    assert imported.results[0].confirmed == olist.EVENTS
    assert imported.totals[0] == {"applied": olist.EVENTS, "duplicates": 0, "quarantined": 0, "parked": 0}
    assert await imported.database.fetchval("SELECT count(*) FROM order_index") == olist.ORDERS
    assert await imported.database.fetchval("SELECT count(*) FROM ledger") == olist.EVENTS


async def test_timelines_equal_the_truth(imported: Imported, truth: Truth) -> None:
    timelines: dict[str, list[Step]] = {}
    for order_id, event_id, source, time, stage, held, anomalies in await imported.rows("stored_timelines"):
        timelines.setdefault(order_id, []).append(Step(event_id, source, time, stage, held, tuple(anomalies)))
    assert timelines == truth.timelines()


async def test_where_every_order_stands_equals_the_truth(imported: Imported, truth: Truth) -> None:
    rows = await imported.rows("stored_standings")
    assert len(rows) == olist.ORDERS
    assert {row[0]: Standing(*row[1:]) for row in rows} == truth.standings()


async def test_stage_counts_by_partner_equal_the_truth(imported: Imported, truth: Truth) -> None:
    rows = await imported.database.fetch(
        "SELECT stage, partner, sum(orders) AS orders FROM counts GROUP BY stage, partner HAVING sum(orders) <> 0"
    )
    assert {(row["stage"], row["partner"]): int(row["orders"]) for row in rows} == truth.counts()


async def test_stage_durations_equal_the_truth(imported: Imported, truth: Truth) -> None:
    stored = {(order_id, stage): seconds for order_id, stage, seconds in await imported.rows("stored_held")}
    expected = truth.held()
    assert stored.keys() == expected.keys()
    assert {key: seconds for key, seconds in stored.items() if abs(seconds - expected[key]) > 1e-6} == {}


async def test_the_77_orders_that_left_before_their_approval_show_it(imported: Imported, truth: Truth) -> None:
    # The files' times sort as text.
    rows = truth.rows("SELECT order_id FROM orders_csv WHERE order_delivered_carrier_date < order_approved_at")
    early = {order_id for [order_id] in rows}
    assert len(early) == 77
    shown: dict[str, set[str]] = {"shipped skipped": set(), "approved out_of_step": set(), "approved after_end": set()}
    for order_id, event_id, *_, anomalies in await imported.rows("stored_timelines"):
        for word in anomalies:
            shown.get(f"{event_id.rsplit(':')[-1]} {word}", set()).add(order_id)
    assert shown["shipped skipped"] == early
    # Three of them had even reached the customer: for those the approval came after the end.
    assert shown["approved out_of_step"] | shown["approved after_end"] == early
    assert len(shown["approved after_end"]) == 3


async def test_a_second_import_changes_nothing(imported: Imported) -> None:
    first, second = imported.results
    assert second == first
    assert imported.digests[1] == imported.digests[0]
    assert imported.totals[1] == {**imported.totals[0], "duplicates": olist.EVENTS}


async def test_the_audit_is_clean(imported: Imported) -> None:
    report = imported.report
    assert report.clean, report.findings
    assert (report.findings, report.reused_ids, report.pending) == ([], 0, 0)
    assert (report.orders, report.events_in_stream) == (olist.ORDERS, 2 * olist.EVENTS)
    assert report.distinct == report.applied == report.duplicates == olist.EVENTS
