"""A month leaves only when it can never get another row; otherwise it stays, and one line says why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.edges.archive.month import Month
from pipelines.edges.archive.months import MonthState, look
from pipelines.engine.settings import Settings
from schemas.errors import BrokerAway, SettingsError
from tests.archive.support import CLOSED, NOW, OLD, VIEWS, YOUNG, fill, leave, within
from tests.audit.stores import PARKING, SOUND, commit, publish
from tests.instance.direct import batch, instance
from tests.support.events import event, life
from tests.support.runs import Run

LATER = NOW + timedelta(days=130)


def test_months_are_counted_across_years() -> None:
    assert [str(Month(2026, 1).plus(n)) for n in (-13, -1, 0, 11, 12)] == [
        "2024-12", "2025-12", "2026-01", "2026-12", "2027-01",
    ]  # fmt: skip
    assert Month(2026, 12).end == Month(2027, 1).begin
    assert Month.of(Month(2026, 3).begin - timedelta(microseconds=1)) == Month(2026, 2)


@pytest.mark.parametrize("text", ["2026-13", "2026-3", "0000-01", "2026-03-01", "", "timeline"])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(SettingsError, match="names no month"):
        Month.parse(text)


async def states(settings: Settings, month: Month) -> list[MonthState]:
    """Return what is known of a month: timeline and orders."""
    return [state for state in await look(settings, VIEWS, NOW) if state.month == month]


async def test_each_month_is_live_or_waits_or_is_archived(run: Run, archiving: Settings) -> None:
    await fill(run)
    assert [(s.state, s.due) for s in await states(archiving, OLD)] == [("waiting", True)] * 2
    assert [s.state for s in await states(archiving, YOUNG)] == ["live"] * 2
    assert [s.state for s in await states(archiving, Month.of(NOW))] == ["live"] * 2
    await leave(archiving)
    assert [(s.state, s.rows) for s in await states(archiving, OLD)] == [("archived", 17), ("archived", 1)]
    assert [s.state for s in await states(archiving, YOUNG)] == ["live"] * 2


@pytest.mark.parametrize(("months", "state"), [(5, "waiting"), (6, "live")])
async def test_the_setting_counts_whole_months(run: Run, archiving: Settings, months: int, state: str) -> None:
    await fill(run)
    settings = archiving.model_copy(update={"archive_after_months": months})
    assert {s.state for s in await states(settings, OLD)} == {state}


async def test_a_month_with_a_parked_event_stays_until_it_is_released(run: Run, archiving: Settings) -> None:
    boom = event(CLOSED, "note_added", event_id="boom", data={"text": "boom", "author": "ada"})
    async with instance(run, PARKING()) as running:
        await running.commit(batch([*life(CLOSED, "initiated"), boom], recorded_at=within(OLD)))
        await running.commit(batch([event("X", "initiated")], 2, recorded_at=within(YOUNG)))
    for state in [state for state in await leave(archiving) if state.month == OLD]:
        assert state.state == "waiting"
        assert state.why == f"events of it wait, parked: 1, of order '{CLOSED}' say; `warren parked release` them"
    async with instance(run, SOUND()) as running:
        await running.commit(batch([event(CLOSED, "released")], 3, recorded_at=NOW))
    left = [state for state in await leave(archiving) if state.month == OLD]
    assert [(state.state, state.rows) for state in left] == [("archived", 2), ("archived", 0)]


async def test_a_month_stays_while_one_partition_has_unread_events_of_it(run: Run, archiving: Settings) -> None:
    await publish(run.settings, [event(f"O{n}", "initiated") for n in range(20)])
    await commit(run.settings, SOUND(), leave=1)
    month = Month.of(NOW)
    waiting = [state for state in await leave(archiving, now=LATER) if state.month == month]
    assert [state.state for state in waiting] == ["waiting"] * 2
    assert "has not been read beyond it; wait for the pipeline, see `warren lag`" in waiting[0].why
    await commit(run.settings, SOUND())
    left = [state for state in await leave(archiving, now=LATER) if state.month == month]
    assert [(state.state, state.rows) for state in left] == [("archived", 20), ("archived", 0)]


async def test_unread_events_of_later_months_keep_nothing(run: Run, archiving: Settings) -> None:
    await fill(run)
    await publish(run.settings, [event(f"O{n}", "initiated") for n in range(20)])
    connection = await run.connect()
    await connection.execute("UPDATE checkpoint SET next_offset = 0")
    assert {state.state for state in await leave(archiving) if state.month == OLD} == {"archived"}
    await connection.close()


async def test_without_the_broker_nobody_knows(run: Run, archiving: Settings) -> None:
    await fill(run)
    away = archiving.model_copy(update={"stream_url": "rabbitmq-stream://guest:guest@127.0.0.1:1/%2f"})
    with pytest.raises(BrokerAway):
        await leave(away)
    connection = await run.connect()
    assert await connection.fetchval("SELECT count(*) FROM archived_months") == 0
    await connection.close()
