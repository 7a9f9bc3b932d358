"""The outbox's audit: rows go once their events are seen in ledger or quarantine, and what is missing is sent again."""

from __future__ import annotations

import asyncpg
import pytest

from pipelines.audit import audit
from pipelines.edges.outbox import audit as module
from pipelines.edges.outbox.audit import OutboxAuditImpossible, OutboxReport, audit_outbox
from pipelines.edges.outbox.segments import reclaim
from schemas.errors import StoreBehind
from tests.outbox.relaying import publish, relaying, until_confirmed
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

SEGMENTS = 4


async def look(run: Run, dsn: str, *, resend: bool = False) -> OutboxReport:
    return await audit_outbox(run.settings, dsn, "views@1", lambda *_: None, resend=resend)


async def rows(database: asyncpg.Connection) -> int:
    found: int = await database.fetchval("SELECT count(*) FROM event")
    return found


async def test_rows_go_once_their_events_have_taken_effect(run: Run, dsn: str, database: asyncpg.Connection) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        for number in range(30):
            await publish(database, f"A{number}", "submitted")
        await until_confirmed(database)
        first = await look(run, dsn)
        assert (first.events, first.missing, first.reclaimed) == (30, [], 30)
        assert await rows(database) == 0
        for number in range(20):
            await publish(database, f"B{number}", "submitted")
        await until_confirmed(database)
        second = await look(run, dsn)
        assert (second.events, second.reclaimed, await rows(database)) == (20, 20, 0)


async def test_segments_take_turns_only_where_the_next_is_empty(
    run: Run, dsn: str, database: asyncpg.Connection
) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        blocker = await asyncpg.connect(dsn)
        async with blocker.transaction():
            await publish(blocker, "open", "submitted")
            for number in range(SEGMENTS + 2):
                await publish(database, f"A{number}", "submitted")
                await until_confirmed(database)
                await look(run, dsn)
        await until_confirmed(database)
        await blocker.close()
        assert (await look(run, dsn)).missing == []
        kept = await rows(database)
        while (report := await look(run, dsn)).reclaimed:
            kept -= report.reclaimed
        assert kept == await rows(database) == 0


async def test_what_is_not_confirmed_is_not_looked_for_and_stays(
    run: Run, dsn: str, database: asyncpg.Connection
) -> None:
    async with running_pipeline(run):
        async with relaying(run, dsn):
            await publish(database, "A1", "submitted")
            await until_confirmed(database)
        await publish(database, "A2", "submitted")
        report = await look(run, dsn)
        assert (report.events, report.missing, report.reclaimed) == (1, [], 0)
        assert await rows(database) == 2


async def test_a_row_written_to_a_segment_whose_turn_is_over_stays(
    run: Run, dsn: str, database: asyncpg.Connection
) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        await publish(database, "A1", "submitted")
        await until_confirmed(database)
        settled = await database.fetchval("SELECT to_snapshot::text FROM batch")
        await database.execute("UPDATE outbox SET segment = 1")
        await database.execute(
            "INSERT INTO event (segment, subject, id, type, body) VALUES (0, 'late', '1', 'order.submitted.v1', '{}')"
        )
        assert await reclaim(database, settled, {0}) == 0
        assert await rows(database) == 2


async def test_a_segment_in_use_is_left_for_the_next_time(run: Run, dsn: str, database: asyncpg.Connection) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        await publish(database, "A1", "submitted")
        await until_confirmed(database)
        settled = await database.fetchval("SELECT to_snapshot::text FROM batch")
        await database.execute("UPDATE outbox SET segment = 1")
        reader = await asyncpg.connect(dsn)
        async with reader.transaction():
            await reader.fetch("SELECT * FROM warren_outbox.event_0")
            assert await reclaim(database, settled, {0}) == 0
        await reader.close()
        assert await reclaim(database, settled, {0}) == 1


async def test_what_the_log_lost_is_named_stays_and_is_sent_again(
    run: Run, dsn: str, database: asyncpg.Connection
) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        ids = {f"A{number}": await publish(database, f"A{number}", "submitted") for number in range(5)}
        await until_confirmed(database)
        # As if a power cut of all brokers had lost the last events they had confirmed: they are in no ledger.
        await caught_up(run)
        views = await run.connect()
        lost = "order_no IN (SELECT order_no FROM order_index WHERE order_id IN ('A1', 'A3'))"
        for table in ("ledger", "timeline", "open_orders", "stays"):
            await views.execute(f"DELETE FROM {table} WHERE {lost}")
        report = await look(run, dsn)
        assert {(one.subject, one.message_id) for one in report.missing} == {("A1", ids["A1"]), ("A3", ids["A3"])}
        assert report.reclaimed == 0
        assert await rows(database) == 5
    # Another owner remembers nothing of them.
    async with running_pipeline(run), relaying(run, dsn):
        assert (await look(run, dsn, resend=True)).resent == 2
        await caught_up(run)
        again = await look(run, dsn)
        assert (again.events, again.missing) == (5, [])
        applied = await views.fetchval("SELECT count(*) FROM ledger")
        assert applied == 5
    await views.close()


async def test_quarantined_and_parked_events_and_duplicates_are_seen(
    run: Run, dsn: str, database: asyncpg.Connection
) -> None:
    async with running_pipeline(run), relaying(run, dsn):
        await database.execute(
            """
            SELECT warren_outbox.publish('A1', 'order.submitted.v1', '{"customer_id": 7}', 'invalid');
            SELECT warren_outbox.publish('A1', 'order.submitted.v1', '{"customer_id": "c7"}', 'once');
            SELECT warren_outbox.publish('A1', 'order.submitted.v1', '{"customer_id": "c7"}', 'once');
            SELECT warren_outbox.publish('A1', 'order.submitted.v1', '{"customer_id": "c8"}', 'once');
            SELECT warren_outbox.publish('A2', 'order.revised.v2', '{}', 'from the future');
            """
        )
        await until_confirmed(database)
        report = await look(run, dsn)
        assert (report.events, report.missing, report.reclaimed) == (5, [], 5)
        found = await audit(run.settings, "views@1")
        assert (found.quarantined, found.parked, found.applied, found.duplicates) == (2, 1, 1, 1)


async def test_a_pipeline_that_is_behind_is_said_to_be(
    run: Run, dsn: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    async with relaying(run, dsn):
        await publish(database, "A1", "submitted")
        await until_confirmed(database)
        with pytest.raises(OutboxAuditImpossible, match="1 events"):
            await look(run, dsn)


async def test_two_audits_do_not_meet(run: Run, dsn: str, database: asyncpg.Connection) -> None:
    await database.execute("SELECT pg_advisory_lock(1463898707, 3)")
    with pytest.raises(OutboxAuditImpossible, match="another audit"):
        await look(run, dsn)


async def test_tables_that_are_missing_are_named(run: Run, dsn: str) -> None:
    with pytest.raises(StoreBehind, match=r"views@9 .*WARREN_POSTGRES_DSN.*migrate"):
        await audit_outbox(run.settings, dsn, "views@9", lambda *_: None)
