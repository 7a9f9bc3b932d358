"""What a batch does with each kind of event, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from pipelines.engine.stores import writes
from pipelines.engine.transport import Batch
from schemas.errors import Fenced
from tests.instance.direct import RECORDED, batch, chunk, commit_all, instance, orders_of
from tests.instance.tables import check_consistent, read_tables
from tests.support.events import LIFE, event, life
from tests.support.runs import Run

A, B, C = orders_of(0, 3)


async def test_duplicates_within_one_batch_count_once(run: Run) -> None:
    events = life(A)
    again = [{**fields, "time": "2031-01-01T00:00:00Z", "traceparent": None} for fields in events]
    await commit_all(run, [*events, *again, *events[::-1]])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 10
    row = await connection.fetchrow("SELECT applied, duplicates, quarantined, parked, next_offset FROM checkpoint")
    assert tuple(row) == (10, 20, 0, 0, 30)
    assert await connection.fetchval("SELECT max(event_time) FROM timeline") < datetime(2027, 1, 1, tzinfo=UTC)
    await check_consistent(connection)
    await connection.close()


async def test_duplicates_months_and_years_apart_count_once(run: Run) -> None:
    events = life(A)
    async with instance(run) as running:
        for turn, months in enumerate([0, 1, 6, 70]):
            recorded_at = RECORDED + timedelta(days=31 * months)
            await running.commit(batch(events, 10 * turn, recorded_at=recorded_at))
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 10
    assert tuple(await connection.fetchrow("SELECT applied, duplicates FROM checkpoint")) == (10, 30)
    await check_consistent(connection)
    await connection.close()


async def test_another_content_under_the_same_identity_is_quarantined_as_a_conflict(run: Run) -> None:
    first = event(A, "submitted", data={"customer_id": "c1"})
    other_data = {**first, "data": {"customer_id": "c2"}}
    other_type = {**first, "type": "order.note_added.v1", "data": {"text": "t", "author": "a"}}
    await commit_all(run, [first, other_data, first], [other_type, event(A, "price_calculated"), other_data])
    connection = await run.connect()
    rows = await connection.fetch("SELECT * FROM quarantine ORDER BY stream_offset")
    assert [(row["stream_offset"], row["reason"]) for row in rows] == [
        (1, "conflict"),
        (3, "conflict"),
        (5, "conflict"),
    ]
    assert rows[0]["body"] == orjson.dumps(other_data)
    assert (rows[1]["event_type"], rows[1]["event_id"], rows[1]["subject"]) == (
        "order.note_added.v1", f"{A}-submitted", A,
    )  # fmt: skip
    row = await connection.fetchrow("SELECT customer_id, stage, revision FROM open_orders")
    assert tuple(row) == ("c1", "price_calculated", 2)
    assert tuple(await connection.fetchrow("SELECT applied, duplicates, quarantined FROM checkpoint")) == (2, 1, 3)
    await check_consistent(connection)
    await connection.close()


async def test_the_same_source_and_id_under_another_order_counts_too(run: Run) -> None:
    """A producer's error, which the audit names: an identity belongs to an order."""
    await commit_all(run, [event(order, "initiated", event_id="one") for order in (A, B, A)])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline WHERE event_id = 'one'") == 2
    assert tuple(await connection.fetchrow("SELECT applied, duplicates, quarantined FROM checkpoint")) == (2, 1, 0)
    await connection.close()


async def test_an_invalid_event_does_not_stand_in_the_way_of_its_correction(run: Run) -> None:
    wrong = event(A, "price_calculated", data={"price": {"amount": 12.5, "currency": "EUR"}})
    right = event(A, "price_calculated")
    assert wrong["id"] == right["id"]
    await commit_all(run, [event(A, "submitted"), wrong, right], [wrong])
    connection = await run.connect()
    assert await connection.fetchval("SELECT price_amount::text FROM open_orders") == "12.50"
    assert tuple(await connection.fetchrow("SELECT applied, duplicates, quarantined FROM checkpoint")) == (2, 0, 2)
    await connection.close()


@pytest.mark.parametrize("place", [0, 5, 10])
async def test_a_poison_event_at_any_place_of_a_chunk(run: Run, place: int) -> None:
    events: list[dict[str, object] | bytes] = [*life(A)]
    events.insert(place, b'{"half": ')
    await commit_all(run, events)
    connection = await run.connect()
    assert await connection.fetchval("SELECT stream_offset FROM quarantine") == place
    assert tuple(await connection.fetchrow("SELECT stage, revision FROM closed_orders")) == ("closed", 10)
    assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 11
    await check_consistent(connection)
    await connection.close()


async def test_a_batch_of_nothing_but_bad_events_moves_the_checkpoint(run: Run) -> None:
    await commit_all(run, [b"", b"\x00", event(orders_of(1, 1)[0], "initiated")])
    connection = await run.connect()
    reasons = await connection.fetch("SELECT reason FROM quarantine ORDER BY stream_offset")
    assert [row["reason"] for row in reasons] == ["unparsable", "unparsable", "misrouted"]
    assert tuple(await connection.fetchrow("SELECT next_offset, applied FROM checkpoint")) == (3, 0)
    assert await connection.fetchval("SELECT count(*) FROM order_index") == 0
    await connection.close()


async def test_a_batch_may_begin_behind_offsets_that_hold_no_events(run: Run) -> None:
    async with instance(run) as running:
        await running.commit(Batch(0, 0, [chunk([event(A, "initiated")], 3), chunk([event(A, "submitted")], 9)]))
    connection = await run.connect()
    assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 10
    rows = await connection.fetch("SELECT stream_offset, revision FROM timeline ORDER BY 1")
    assert [tuple(row) for row in rows] == [(3, 1), (9, 2)]
    await connection.close()


@pytest.mark.parametrize("first", [1, 9, 11])
async def test_a_batch_that_does_not_begin_at_the_checkpoint_is_refused(run: Run, first: int) -> None:
    async with instance(run) as running:
        await running.commit(batch(life(A)))
        with pytest.raises(Fenced):
            await running.commit(batch([event(B, "initiated"), event(B, "submitted")], first))
    connection = await run.connect()
    assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 10
    assert await connection.fetchval("SELECT count(*) FROM order_index") == 1
    await connection.close()


async def test_a_batch_of_a_partition_that_was_not_claimed_is_refused(run: Run) -> None:
    async with instance(run, claim=()) as running:
        with pytest.raises(Fenced):
            await running.commit(batch([event(A, "initiated")]))


async def test_a_late_event_on_a_closed_order_is_told_there(run: Run) -> None:
    await commit_all(run, life(A), [event(A, "note_added"), event(A, "cancelled", hour=30)])
    connection = await run.connect()
    row = await connection.fetchrow("SELECT stage, revision, anomalies, last_offset FROM closed_orders")
    assert tuple(row) == ("closed", 12, 1, 11)
    assert await connection.fetchval("SELECT count(*) FROM open_orders") == 0
    assert await connection.fetchval("SELECT anomalies FROM timeline WHERE event_type ~ 'cancelled'") == ["after_end"]
    await check_consistent(connection)
    await connection.close()


async def test_an_order_is_filed_under_the_month_the_log_recorded_its_end(run: Run) -> None:
    async with instance(run) as running:
        december, january = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
        parts = [
            chunk(life(A), 0, recorded_at=december),
            chunk([event(B, "initiated"), event(B, "cancelled", hour=2)], 10, recorded_at=january),
            chunk([event(A, "note_added")], 12, recorded_at=january),
        ]
        await running.commit(Batch(0, 0, parts))
    connection = await run.connect()
    rows = await connection.fetch("SELECT order_id, tableoid::regclass::text AS month FROM closed_orders ORDER BY 1")
    assert {row["order_id"]: row["month"] for row in rows} == {A: "closed_orders_2026_12", B: "closed_orders_2027_01"}
    months = await connection.fetch(
        "SELECT tableoid::regclass::text AS m, count(*) FROM timeline GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in months] == [("timeline_2026_12", 10), ("timeline_2027_01", 3)]
    await connection.close()


async def test_an_order_is_opened_when_the_log_recorded_its_first_event(run: Run) -> None:
    async with instance(run) as running:
        later = RECORDED + timedelta(hours=1)
        parts = [
            chunk([event(A, "initiated")]),
            chunk([event(A, "submitted"), event(B, "initiated")], 1, recorded_at=later),
        ]
        await running.commit(Batch(0, 0, parts))
    connection = await run.connect()
    opened = await connection.fetch("SELECT order_id, opened_at FROM order_index")
    assert {row["order_id"]: row["opened_at"] for row in opened} == {A: RECORDED, B: later}
    assert await connection.fetchval("SELECT recorded_at FROM checkpoint") == later  # by this the stream is known
    await connection.close()


async def test_a_producers_time_of_any_age_is_kept_and_goes_nowhere_wrong(run: Run) -> None:
    """What a .NET service writes for "not set" among them."""
    times = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2099-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    events = [event(A, name, time=time) for name, time in zip(LIFE[:4], times, strict=True)]
    await commit_all(run, events[:1], events[1:3], events[3:], [event(A, "manufacturing_approved")])
    connection = await run.connect()
    rows = await connection.fetch("SELECT event_time, held_seconds, anomalies FROM timeline ORDER BY revision")
    assert [row["event_time"] - datetime.fromisoformat(time) for row, time in zip(rows, times, strict=False)] == [
        timedelta(microseconds=late) for late in (1, 0, 0, -1)
    ]
    assert [row["anomalies"] for row in rows] == [[], [], ["from_the_future"], ["from_the_future"], ["time_reversed"]]
    assert [row["held_seconds"] > 1e9 for row in rows[1:3]] == [True, True]
    assert [row["held_seconds"] for row in rows[3:]] == [0.0, 0.0]  # all of them recorded in one moment
    await connection.close()


async def test_money_is_kept_to_the_last_digit(run: Run) -> None:
    amounts = ["0", "0.000000", "12.50", "100.00", "999999999999999.999999"]
    orders = orders_of(0, len(amounts))
    await commit_all(
        run,
        [
            event(order, "price_calculated", data={"price": {"amount": amount, "currency": "KWD"}})
            for order, amount in zip(orders, amounts, strict=True)
        ],
        [event(order, "note_added") for order in orders],
    )
    connection = await run.connect()
    rows = await connection.fetch("SELECT order_id, price_amount::text AS amount FROM open_orders")
    assert {row["order_id"]: row["amount"] for row in rows} == dict(zip(orders, amounts, strict=True))
    await connection.close()


async def test_a_second_run_over_the_same_log_from_the_start_changes_nothing(run: Run) -> None:
    """As after a restore of an older checkpoint: the ledger, not the position, makes an event count once (I2)."""
    note, other = event(C, "note_added"), event(C, "note_added", data={"text": "something else", "author": "ada"})
    events: list[dict[str, object] | bytes] = [*life(A), *life(B, "initiated", "submitted"), event(C, "initiated")]
    events += [b"bad", note, other, event(C, "packaging", type="order.packaging.v2")]
    await commit_all(run, events)
    connection = await run.connect()
    before = await read_tables(connection)
    await connection.execute("UPDATE checkpoint SET next_offset = 0")
    async with asyncio.timeout(20):
        await commit_all(run, events[:7], events[7:])
    assert await read_tables(connection) == before
    await check_consistent(connection)
    await connection.close()


async def test_a_table_may_get_a_column_while_an_older_release_runs(streaming: Run) -> None:
    """A newer release adds to tables, never to the types older ones write with."""
    connection = await streaming.connect()
    async with instance(streaming) as running:
        await running.commit(batch([event(A, "initiated"), *life(B, "initiated")]))
        for table in ("order_index", "ledger", "open_orders", "closed_orders", "timeline", "counts", "checkpoint"):
            await connection.execute(f"ALTER TABLE {table} ADD COLUMN later text DEFAULT 'x'")
        async with asyncio.timeout(20):
            await running.commit(batch([event(A, "submitted"), event(C, "initiated"), event(B, "cancelled")], 2))
    assert await connection.fetchval("SELECT count(*) FROM timeline WHERE later = 'x'") == 5
    assert await connection.fetchval("SELECT min(later) FROM closed_orders") == "x"
    await connection.close()


async def test_a_batch_larger_than_one_argument_takes_effect_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "STATEMENT_BYTES", 1000)
    await commit_all(run, [*life(A), *life(B), *life(C)])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 30
    await check_consistent(connection)
    await connection.close()
