"""Where open orders stay, since when, and which were late: whatever times producers give."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg

from tests.instance.direct import RECORDED, batch, commit_all, instance, orders_of
from tests.instance.tables import check_consistent
from tests.support.events import event, life
from tests.support.runs import Run

A, B, C, D = orders_of(0, 4)


async def _stays(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch("SELECT order_id, stage FROM stays JOIN order_index USING (order_no)")
    return sorted(tuple(row) for row in rows)


async def _days(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch("SELECT stage, holder, day, orders FROM stay_days ORDER BY stage, day")
    return [tuple(row) for row in rows]


async def _overdue(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch("SELECT stage, holder, day, passed, ended FROM overdue_days ORDER BY day")
    return [tuple(row) for row in rows]


async def test_an_open_order_has_one_stay_and_a_finished_one_none(run: Run) -> None:
    await commit_all(
        run,
        [event(A, "submitted"), event(B, "submitted"), event(C, "initiated")],
        [event(A, "price_failed"), event(B, "cancelled"), *life(D)],
    )
    connection = await run.connect()
    assert await _stays(connection) == sorted([(A, "submitted"), (C, "initiated")])
    assert await _days(connection) == [
        ("initiated", "shop", date(2026, 3, 1), 1),
        ("submitted", "operators", date(2026, 3, 1), 1),
    ]
    await check_consistent(connection)
    await connection.close()


async def test_days_that_come_to_nothing_are_taken_away_and_come_again(run: Run) -> None:
    day = date(2026, 3, 2)
    async with instance(run) as running:
        await running.commit(batch([event(A, "submitted", hour=12), event(B, "submitted", hour=35.9)]))
        connection = await run.connect()
        assert await _days(connection) == [("submitted", "pricing", day, 2)]
        await running.commit(batch([event(A, "cancelled"), event(B, "cancelled")], 2))
        assert await _days(connection) == []
        await running.commit(batch([event(C, "submitted", hour=20)], 4))
        await running.commit(batch([event(C, "cancelled"), event(D, "submitted", hour=13)], 5))
        assert await _days(connection) == [("submitted", "pricing", day, 1)]
    await check_consistent(connection)
    await connection.close()


async def test_a_late_stay_is_counted_on_the_day_it_passed_its_target_and_on_the_day_it_ended(run: Run) -> None:
    # A price should take an hour; this one took from noon to the next day but one.
    await commit_all(run, [event(A, "submitted", hour=0), event(A, "price_calculated", hour=48)])
    # Just in time, and a second late.
    await commit_all(
        run, [event(B, "submitted", hour=0), event(B, "price_calculated", hour=1),
              event(C, "submitted", hour=11), event(C, "price_calculated", hour=12 + 1 / 3600)], offset=2,
    )  # fmt: skip
    connection = await run.connect()
    assert await _overdue(connection) == [
        ("submitted", "pricing", date(2026, 3, 1), 1, 0),
        ("submitted", "pricing", date(2026, 3, 2), 1, 1),
        ("submitted", "pricing", date(2026, 3, 3), 0, 1),
    ]
    await check_consistent(connection)
    await connection.close()


async def test_times_at_the_ends_of_the_calendar_and_backwards_are_counted_too(run: Run) -> None:
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    names = ("initiated", "submitted", "price_calculated", "shipped")
    times = {A: (first, first, first, first), B: (last, first, last, first), C: (first, last, first, last)}
    async with instance(run) as running:
        offset = 0
        for turn, name in enumerate(names):
            events = [event(order, name, time=moments[turn]) for order, moments in times.items()]
            recorded_at = RECORDED + timedelta(days=20 * turn)
            await running.commit(batch([*events, event(D, name, time=first)], offset, recorded_at=recorded_at))
            offset += 4
    connection = await run.connect()
    assert await connection.fetchval("SELECT sum(ended) FROM overdue_days") > 3
    await check_consistent(connection)
    await connection.close()
