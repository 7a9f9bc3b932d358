"""Parked orders on a real PostgreSQL: they wait in stream order, others go on, a release lets them follow (I4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from pipelines.engine.stores import set_aside
from pipelines.engine.stores.set_aside import BEHIND
from pipelines.flows.views.projection import Views
from schemas.errors import ParkingStorm
from tests.instance.direct import batch, commit_all, instance, orders_of
from tests.instance.releases import FirstRelease, SecondRelease
from tests.instance.tables import check_consistent, read_tables
from tests.support.emptied import empty
from tests.support.events import event, life
from tests.support.runs import Run

A, B = orders_of(0, 2)


def _poison(order_id: str) -> dict[str, Any]:
    return event(order_id, "note_added", data={"text": "poison", "author": "ada"})


def _new(order_id: str, name: str = "packaging") -> dict[str, Any]:
    return event(order_id, name, type=f"order.{name}.v2", event_id=f"{order_id}-{name}-v2")


@pytest.mark.parametrize("stopper", [_poison, _new], ids=["poison", "unknown version"])
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
async def test_later_events_wait_behind_and_other_orders_go_on(run: Run, stopper: Any, cut: int) -> None:
    events = [event(A, "initiated"), stopper(A), event(A, "submitted"), event(B, "initiated")]
    await commit_all(run, *[part for part in (events[:cut], events[cut:]) if part], projection=FirstRelease())
    connection = await run.connect()
    parked = await connection.fetch("SELECT stream_offset, reason FROM parked ORDER BY stream_offset")
    assert [row["stream_offset"] for row in parked] == [1, 2]
    assert "KeyError: 'colour'" in parked[0]["reason"] or "order.packaging.v2" in parked[0]["reason"]
    rows = await connection.fetch("SELECT order_id, stage, revision FROM open_orders ORDER BY order_id")
    assert [tuple(row) for row in rows] == sorted([(A, "initiated", 1), (B, "initiated", 1)])
    assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 4
    await check_consistent(connection)
    await connection.close()


async def test_an_order_whose_first_event_parks_is_known_but_in_no_view(run: Run) -> None:
    await commit_all(run, [_new(A, "initiated"), event(A, "submitted")])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM order_index") == 1
    assert await connection.fetchval("SELECT count(*) FROM parked") == 2
    for table in ("open_orders", "closed_orders", "timeline", "counts"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    await check_consistent(connection)
    await connection.close()


async def test_duplicates_and_conflicts_of_parked_events_are_found_out(run: Run) -> None:
    stopper, behind = _new(A), event(A, "submitted")
    other = {**behind, "data": {"customer_id": "c9"}}
    await commit_all(run, [stopper, behind, stopper, behind], [behind, stopper, other])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked") == 2
    assert tuple(await connection.fetchrow("SELECT duplicates, quarantined, parked FROM checkpoint")) == (4, 1, 2)
    await check_consistent(connection)
    await connection.close()


async def test_a_release_lets_a_mended_order_follow_in_stream_order(run: Run) -> None:
    first = [event(A, "initiated"), _poison(A), _new(A), event(B, "initiated"), event(A, "submitted")]
    second = [event(A, "price_calculated"), event(A, "released"), event(B, "submitted")]
    await commit_all(run, first[:3], first[3:], projection=FirstRelease())
    await commit_all(run, second, projection=SecondRelease(), offset=5)
    connection = await run.connect()
    timeline = await connection.fetch(
        "SELECT stream_offset, revision FROM timeline JOIN order_index USING (order_no) WHERE order_id = $1 ORDER BY 2",
        A,
    )
    assert [tuple(row) for row in timeline] == [(0, 1), (1, 2), (2, 3), (4, 4), (5, 5), (6, 6)]
    assert await connection.fetchval("SELECT count(*) FROM parked") == 0
    assert tuple(await connection.fetchrow("SELECT applied, parked FROM checkpoint")) == (8, 0)
    row = await connection.fetchrow("SELECT stage, last_offset FROM open_orders WHERE order_id = $1", A)
    assert tuple(row) == ("price_calculated", 6)
    await check_consistent(connection)
    await connection.close()


async def test_released_events_are_told_as_the_log_recorded_them(run: Run) -> None:
    """Else a rebuild, which parks nothing, would tell another story (I7)."""
    events = [event(A, "initiated"), _poison(A), event(A, "submitted", hour=-5), event(A, "released")]
    await commit_all(run, events[:3], projection=FirstRelease())
    await commit_all(run, events[3:], projection=SecondRelease(), offset=3)
    connection = await run.connect()
    parked_once = await read_tables(connection)
    await empty(run)
    await commit_all(run, events, projection=SecondRelease())
    assert await read_tables(connection) == parked_once
    await connection.close()


async def test_a_release_that_changes_nothing_waits_with_the_others(run: Run) -> None:
    await commit_all(run, [_new(A)], [event(A, "released")], [event(A, "submitted")])
    connection = await run.connect()
    assert await connection.fetchval("SELECT array_agg(stream_offset ORDER BY stream_offset) FROM parked") == [0, 1, 2]
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 0
    await check_consistent(connection)
    await connection.close()


async def test_several_parked_orders_get_their_next_events_in_one_batch(run: Run) -> None:
    orders = orders_of(0, 5)
    await commit_all(run, [_poison(order) for order in orders], projection=FirstRelease())
    behind = [event(order, "submitted") for order in orders]
    await commit_all(run, behind, projection=FirstRelease(), offset=5)
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked WHERE reason = $1", BEHIND) == 5
    assert await connection.fetchval("SELECT count(*) FROM timeline") == 0
    await commit_all(run, [event(order, "released") for order in orders], projection=SecondRelease(), offset=10)
    told = await connection.fetch("SELECT array_agg(stream_offset ORDER BY revision) FROM timeline GROUP BY order_no")
    assert sorted(row[0] for row in told) == [[n, 5 + n, 10 + n] for n in range(5)]
    await check_consistent(connection)
    await connection.close()


async def test_a_release_of_one_order_releases_no_other(run: Run) -> None:
    await commit_all(run, [_poison(A), _poison(B)], projection=FirstRelease())
    await commit_all(run, [event(A, "released")], projection=SecondRelease(), offset=2)
    connection = await run.connect()
    rows = await connection.fetch("SELECT order_id FROM parked JOIN order_index USING (order_no)")
    assert [row["order_id"] for row in rows] == [B]
    await connection.close()


@pytest.mark.parametrize("stopper", [_poison, _new], ids=["poison", "unknown version"])
async def test_many_orders_parking_at_once_stop_the_pipeline_and_nothing_commits(run: Run, stopper: Any) -> None:
    orders = orders_of(0, 26)
    async with instance(run, FirstRelease()) as running:
        await running.commit(batch([event(orders[25], "initiated"), stopper(orders[0])]))
        connection = await run.connect()
        before = await read_tables(connection)
        storm = batch([b"bad", *life(orders[25], "submitted"), *[stopper(order) for order in orders[1:25]]], 2)
        for _ in range(2):  # it does not help to try again
            with pytest.raises(ParkingStorm, match="25 of the last minute's") as raised:
                await running.commit(storm)
            assert raised.value.parked == 25
            assert await read_tables(connection) == before
            assert await connection.fetchval("SELECT next_offset FROM checkpoint") == 2
        # A few at a time is no storm, and the batch that was refused can still be had.
        await running.commit(batch([stopper(order) for order in orders[1:20]], 2))
        assert await connection.fetchval("SELECT count(*) FROM parked") == 20
        await connection.close()


async def test_a_storm_over_two_partitions_is_one_storm(run: Run) -> None:
    here, there = orders_of(0, 15), orders_of(1, 15)
    async with instance(run, claim=(0, 1)) as running:
        await running.commit(batch([_new(order) for order in here]))
        with pytest.raises(ParkingStorm):
            await running.commit(batch([_new(order) for order in there], partition=1))
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked") == 15
    await connection.close()


async def test_what_parked_before_a_restart_or_with_another_owner_makes_no_storm(run: Run) -> None:
    """Twenty of five thousand orders are no storm, and stay none for an owner who never saw the five thousand."""
    here, there = orders_of(0, 100), orders_of(1, 1500)
    async with instance(run, claim=(0, 1)) as one, instance(run, claim=()) as two:
        await one.commit(batch([event(there[0], "initiated")], partition=1))
        await one.release(1)
        await two.claim(1)
        healthy = [event(order, "initiated") for order in there[1:]]
        await two.commit(batch([*healthy, *[_new(order) for order in there[1:15]]], 1, partition=1))
        await one.commit(batch([*[event(order, "initiated") for order in here[:50]], *map(_new, here[:10])]))
    await commit_all(run, [_new(order) for order in here[50:60]], offset=60)
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked") == 34
    await connection.close()


async def test_the_first_that_waits_says_why_after_a_release_that_went_half_way(run: Run) -> None:
    await commit_all(run, [_poison(A), _new(A), event(A, "submitted")], projection=FirstRelease())
    await commit_all(run, [event(A, "released")], projection=Views(), offset=3)
    connection = await run.connect()
    rows = await connection.fetch("SELECT stream_offset, reason FROM parked ORDER BY stream_offset")
    assert [row["stream_offset"] for row in rows] == [1, 2, 3]
    assert "order.packaging.v2" in rows[0]["reason"]
    assert [row["reason"] for row in rows[1:]] == [BEHIND, BEHIND]
    await connection.close()


async def test_why_an_event_goes_on_waiting_is_told_whatever_text_it_is(run: Run) -> None:
    class Garbled(SecondRelease):
        def fold(self, *given: Any) -> Any:
            if given[0] is not None:
                raise ValueError("half \ud800 of nothing \x00")
            return super().fold(*given)

    await commit_all(run, [_new(A), event(A, "submitted")])
    async with asyncio.timeout(20):
        await commit_all(run, [event(A, "released")], projection=Garbled(), offset=2)
    connection = await run.connect()
    rows = await connection.fetch("SELECT stream_offset, reason FROM parked ORDER BY stream_offset")
    assert [tuple(row) for row in rows] == [(1, "ValueError: half ? of nothing �"), (2, BEHIND)]
    await check_consistent(connection)
    await connection.close()


async def test_one_order_with_many_parked_events_is_no_storm(run: Run) -> None:
    events = [event(A, "note_added", event_id=f"n{number}") for number in range(60)]
    await commit_all(run, [_new(A), *events[:30]], events[30:])
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM parked") == 61
    await connection.close()


async def test_of_an_order_that_waits_on_nothing_is_read_until_its_release(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of it is parked, the partition's other orders do not wait for it."""
    read: list[int] = []

    async def noted(connection: asyncpg.Connection, order_nos: Sequence[int]) -> list[asyncpg.Record]:
        rows = await set_aside.parked_events(connection, order_nos)
        read.append(len(rows))
        return rows

    noting = SimpleNamespace(**{**vars(set_aside), "parked_events": noted})
    monkeypatch.setattr("pipelines.engine.instance.batch.set_aside", noting)
    first, second = [_poison(A), event(A, "initiated")], [event(A, "submitted"), event(B, "initiated")]
    await commit_all(run, first, second, projection=FirstRelease())
    assert read == [0, 0]
    await commit_all(run, [event(A, "price_calculated"), event(A, "released")], projection=SecondRelease(), offset=4)
    assert read == [0, 0, 3]
    connection = await run.connect()
    told = await connection.fetch("SELECT array_agg(stream_offset ORDER BY revision) FROM timeline GROUP BY order_no")
    assert sorted(row[0] for row in told) == [[0, 1, 2, 4, 5], [3]]
    await check_consistent(connection)
    await connection.close()
