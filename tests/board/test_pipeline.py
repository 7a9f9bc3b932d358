"""The Pipeline page: what waits and for how long, whether it moves, and what was set aside."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from dashboards.operator.pipeline import lag
from pipelines.engine.transport import Message, SuperStreamPublisher
from schemas.errors import EventsLost
from tests.board.signin.door import give_accounts, sign_in, signing
from tests.board.stock import publish
from tests.board.support import Board, asked
from tests.support.events import event, life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and takes little for late."""
    monkeypatch.setattr("dashboards.operator.pipeline.streams.LOOK_SECONDS", 0.1)
    monkeypatch.setattr(lag, "LATE", timedelta(seconds=0.5))
    monkeypatch.setattr("dashboards.operator.notices.LATE", timedelta(seconds=0.5))


async def _seen(board: Board, **wanted: Any) -> dict[str, Any]:
    """Wait until machines are told this."""

    async def seen() -> dict[str, Any] | None:
        response = await board.client.get("/api/pipeline")
        answer: dict[str, Any] = response.json()
        return answer if response.status_code == 200 and {k: answer.get(k) for k in wanted} == wanted else None

    found = await until(seen, f"/api/pipeline to say {wanted}")
    assert found is not None
    return found


async def test_what_waits_is_counted_while_nobody_works_on_it_and_said_on_every_page(run: Run, at_once: None) -> None:
    async with running_pipeline(run):
        await publish(run, *map(message, life("A1", "initiated")))
        await caught_up(run)
    async with asked(run.settings) as board:
        await publish(run, *(message(event(f"B{number}", "initiated")) for number in range(7)))
        answer = await _seen(board, events=7)
        assert sum(one["events"] for one in answer["partitions"]) == 7
        assert all(one["end_offset"] - one["next_offset"] == one["events"] for one in answer["partitions"])

        async def stalled() -> bool:
            return any(one["stalled"] for one in (await board.json("/api/pipeline"))["partitions"])

        await until(stalled, "a partition to be stalled")
        for path in ("/", "/orders", "/stuck", "/orders/A1"):
            assert "nothing has taken effect for" in await board.text(path), path
        page = unescape(await board.text("/pipeline"))
        assert "Stalled" in page
        assert re.search(r"Waiting events</dt><dd>7<", page)
        lags = re.findall(r"^warren_pipeline_lag_events\{.*\} (\S+)$", await board.text("/metrics"), re.MULTILINE)
        assert sum(map(float, lags)) == 7
        async with running_pipeline(run):
            await _seen(board, events=0)
            assert "nothing has taken effect" not in await board.text("/orders")


async def test_a_broker_that_is_away_is_said_to_be(run: Run, at_once: None) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), asked(run.settings, stream_url=url) as board:
        await _seen(board, broker_away=False)
        proxy.refusing = True
        proxy.cut()
        await _seen(board, broker_away=True)
        assert "The broker does not answer" in await board.text("/orders")
        assert "not known" in await board.text("/pipeline")
        assert "warren_pipeline_lag_events" not in await board.text("/metrics")
        proxy.refusing = False
        await _seen(board, broker_away=False)
        assert "The broker does not answer" not in await board.text("/orders")


async def test_it_shows_what_is_set_aside_and_leads_there(board: Board) -> None:
    page = unescape(await board.text("/pipeline"))
    assert 'href="/orders/WAIT-1"' in page
    assert "Not readable" in page
    assert "Not valid" in page
    (place,) = re.findall(r'href="/quarantine/(\d+:\d+)">\1</a></th>\s*<td class="why"><strong>Not readable', page)
    message_page = unescape(await board.text(f"/quarantine/{place}"))
    assert "not json" in message_page
    assert f"Message {place}" in message_page


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"\xff\xfe", b'{"data": 7}', b'{"data": NaN}',
        b'{"subject": "A1", "data": ' + b"[" * 300 + b"]" * 300 + b"}",
    ],
)  # fmt: skip
async def test_whatever_came_can_be_looked_at(run: Run, body: bytes) -> None:
    async with running_pipeline(run), signing(run) as board:
        await give_accounts(run, otto="operator")
        await sign_in(board)
        async with SuperStreamPublisher(run.settings.stream_url, run.settings.super_stream) as publisher:
            await publisher.publish_to(0, [Message("-", body, "raw", "raw")])
        await caught_up(run)
        page = await board.text("/quarantine/0:0")
        assert "Correct it" in page


async def test_what_retention_has_removed_is_a_partition_that_does_not_move(
    run: Run, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_pipeline(run):
        await publish(run, message(event("A1", "initiated")))
        await caught_up(run)
    await publish(run, message(event("A1", "submitted")))

    async def lost(url: str, stream: str, offset: int) -> None:
        raise EventsLost(stream, offset, offset + 10)

    monkeypatch.setattr("dashboards.operator.pipeline.streams.waiting", lost)
    async with asked(run.settings) as board:
        answer = await _seen(board, broker_away=False, events=1)
        assert [one["stalled"] for one in answer["partitions"]].count(True) <= 1

        async def said() -> bool:
            return "nothing has taken effect for" in await board.text("/orders")

        await until(said, "the partition to be called stalled")


@pytest.mark.parametrize("place", ["0:99999", "x", "1:-1", "99999:1", "0:1:2", "٣:1"])
async def test_a_place_that_is_none_is_not_found(board: Board, place: str) -> None:
    assert (await board.client.get(f"/quarantine/{place}")).status_code == 404


async def test_what_was_dropped_waits_no_longer_and_says_by_whom(run: Run) -> None:
    async with running_pipeline(run), asked(run.settings) as board:
        await publish(run, message(event("A1", "initiated", time="yesterday")))
        await caught_up(run)
        assert (await board.json("/api/board"))["set_aside"]["quarantined"] == 1
        (place,) = re.findall(r'href="/quarantine/(\d+:\d+)"', await board.text("/pipeline"))
        about = {"author": "ada", "reason": "no", "event": {"source": "/quarantine", "id": place}}
        await publish(run, message(event("~quarantine", "dropped", data=about)))
        await caught_up(run)

        async def gone() -> bool:
            return bool((await board.json("/api/board"))["set_aside"]["quarantined"] == 0)

        await until(gone, "the message to wait no longer")
        assert f'href="/quarantine/{place}"' not in await board.text("/pipeline")
        page = unescape(await board.text(f"/quarantine/{place}"))
        assert "Dropped by ada" in page
        link = re.search(r'href="(/orders/~quarantine/events/\d+)"', page)
        assert link is not None
        assert '"author": "ada"' in await board.text(link.group(1))
        assert "No order: operators speak by this name" in unescape(await board.text("/orders/~quarantine"))
        # It is of no order, and none is to be seen.
        assert sum((await board.json("/api/board"))["counts"].values()) == 0


async def test_it_is_in_russian_too(board: Board) -> None:
    page = await board.text("/pipeline?lang=ru")
    assert "Сообщения в карантине" in page
    assert "Не читается" in page


async def test_the_share_of_the_cache_is_shown(board: Board) -> None:
    await board.json("/api/board")
    assert re.search(r"Answered by the cache</dt><dd>100 %", await board.text("/pipeline"))


async def test_an_alarm_goes_where_no_month_is_ahead(run: Run) -> None:
    async with asked(run.settings) as board:
        assert await board.metric('warren_months_ahead{instance="views@1"}') >= 1
        assert "next month" not in await board.text("/orders")
        connection = await run.connect()
        ahead = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'closed_orders'::regclass"
            " AND right(inhrelid::regclass::text, 7) > to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')"
        )
        for row in ahead:
            await connection.execute(f"DROP TABLE {row['name']}")
        await connection.close()

        async def said() -> bool:
            return "No partition is there for the next month" in await board.text("/orders")

        await until(said, "the pages to say so")
        assert await board.metric('warren_months_ahead{instance="views@1"}') == 0
