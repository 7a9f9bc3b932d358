"""What operators do is an event under their name, and takes effect as one; who may not act, cannot."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from tests.board.signin.door import give_accounts, sign_in, signing
from tests.board.stock import publish
from tests.board.support import Board
from tests.support.events import event, life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until


@pytest.fixture
async def at_work(run: Run) -> Run:
    """A run with two accounts."""
    await give_accounts(run, vera="viewer", otto="operator")
    return run


@pytest.fixture
async def otto(at_work: Run) -> AsyncIterator[Board]:
    """A board as otto sees it, who may act; its pipeline at work."""
    async with running_pipeline(at_work), signing(at_work, redis_prefix=at_work.settings.redis_prefix) as board:
        await sign_in(board)
        yield board


async def act(board: Board, path: str, **fields: str) -> Response:
    """Send a form of the board's own, another than all before unless the fields say so."""
    fields = {"form": str(uuid4())} | fields
    return await board.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def found_form(html: str) -> str:
    """Return the id that the forms of a page have."""
    found = re.search(r'name="form" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


async def shown(board: Board, order_id: str, event_type: str) -> dict[str, Any]:
    """Wait until the order's last event is of this type; return the answer."""

    async def there() -> dict[str, Any] | None:
        response = await board.client.get(f"/api/orders/{order_id}")
        answer: dict[str, Any] = response.json()
        return (
            answer
            if response.status_code == 200
            and answer["timeline"][-1:]
            and (answer["timeline"][-1]["event_type"] == event_type)
            else None
        )

    found = await until(there, f"{event_type} in the story of {order_id}")
    assert found is not None
    return found


async def raw(board: Board, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the bytes of an order's last event, read."""
    entry = answer["timeline"][-1]
    found: dict[str, Any] = await board.json(f"/orders/{answer['order_id']}/events/{entry['stream_offset']}")
    return found


async def test_a_note_is_in_the_story_under_the_operators_name(otto: Board, at_work: Run) -> None:
    await publish(at_work, *map(message, life("A1", "initiated", "file_uploaded")))
    await shown(otto, "A1", "order.file_uploaded.v1")
    assert 'action="/orders/A1/note"' in await otto.text("/orders/A1")
    done = await act(otto, "/orders/A1/note", text=" called <b>them</b> ")
    assert (done.status_code, done.headers["location"]) == (303, "/orders/A1?asked=note")
    assert "Your note is in the log" in await otto.text(done.headers["location"])
    answer = await shown(otto, "A1", "order.note_added.v1")
    said = await raw(otto, answer)
    assert (said["source"], said["data"]) == ("/operators", {"author": "otto", "text": "called <b>them</b>"})
    assert answer["stage"] == "file_uploaded"
    page = await otto.text("/orders/A1")
    assert "otto: called &lt;b&gt;them&lt;/b&gt;" in page, "it can be read without opening the event"
    assert "part.stl" in page


async def test_a_form_that_comes_twice_is_one_event(otto: Board, at_work: Run) -> None:
    await publish(at_work, message(event("A1", "initiated")))
    await shown(otto, "A1", "order.initiated.v1")
    form = found_form(await otto.text("/orders/A1"))
    assert form != found_form(await otto.text("/orders/A1")), "a page's own"
    for text in ("called", "called", "called again"):
        assert (await act(otto, "/orders/A1/note", form=form, text=text)).status_code == 303
    await caught_up(at_work)
    timeline = (await otto.json("/api/orders/A1"))["timeline"]
    said = [await otto.json(f"/orders/A1/events/{entry['stream_offset']}") for entry in timeline]
    assert [one["data"].get("text") for one in said] == [None, "called", "called again"]
    assert (await act(otto, "/orders/A1/note", form="", text="of no page")).status_code == 422


async def test_parked_events_are_tried_again(otto: Board, at_work: Run) -> None:
    later = event("A1", "submitted") | {"type": "order.submitted.v9"}
    await publish(at_work, message(event("A1", "initiated")), message(later))
    await caught_up(at_work)
    assert 'action="/orders/A1/release"' in await otto.text("/orders/A1")
    done = await act(otto, "/orders/A1/release", reason="deployed")
    assert done.headers["location"] == "/orders/A1?asked=release"

    async def tried() -> bool:
        parked = (await otto.json("/api/orders/A1"))["parked"]
        return len(parked) == 2 and "order.submitted.v9" in parked[0]["reason"]

    await until(tried, "the release to have been tried, in vain")


async def test_a_failed_price_is_asked_for_again_and_an_order_cancelled(otto: Board, at_work: Run) -> None:
    await publish(at_work, *map(message, [event("A1", "submitted"), event("A1", "price_failed")]))
    await shown(otto, "A1", "order.price_failed.v1")
    page = await otto.text("/orders/A1")
    assert "an operator is to ask for it again" in page
    assert 'action="/orders/A1/retry-price"' in page
    await act(otto, "/orders/A1/retry-price")
    assert (await shown(otto, "A1", "order.price_retry_requested.v1"))["holder"] == "pricing"
    await act(otto, "/orders/A1/cancel", reason="the customer asked for it")
    answer = await shown(otto, "A1", "order.cancelled.v1")
    assert answer["stage"] == "cancelled"
    assert (await raw(otto, answer))["data"]["reason"] == "the customer asked for it"
    assert 'action="/orders/A1/cancel"' not in await otto.text("/orders/A1")


async def _quarantined(board: Board, run: Run, fields: dict[str, Any]) -> str:
    """Publish a bad event and return its place."""
    await publish(run, message(fields))

    async def place() -> str | None:
        found = re.search(r'href="/quarantine/(\d+:\d+)"', await board.text("/pipeline"))
        return found.group(1) if found else None

    found = await until(place, "the message in quarantine")
    assert found is not None
    return found


async def _settled(board: Board, place: str, words: str) -> None:
    async def said() -> bool:
        return words in await board.text(f"/quarantine/{place}")

    await until(said, f"the message to be {words}")
    assert f'href="/quarantine/{place}"' not in await board.text("/pipeline")


async def test_a_message_in_quarantine_is_dropped(otto: Board, at_work: Run) -> None:
    place = await _quarantined(otto, at_work, event("NEVER", "initiated", time="yesterday"))
    assert f'action="/quarantine/{place}/drop"' in await otto.text(f"/quarantine/{place}")
    done = await act(otto, f"/quarantine/{place}/drop", reason="a test of theirs")
    assert done.status_code == 303
    await _settled(otto, place, "Dropped by otto")
    assert f'action="/quarantine/{place}/drop"' not in await otto.text(f"/quarantine/{place}")
    assert (await otto.client.get("/api/orders/NEVER")).status_code == 404, "no order begins with what is dropped"


async def test_of_a_known_order_it_is_said_in_its_story(otto: Board, at_work: Run) -> None:
    await publish(at_work, message(event("A1", "initiated")))
    await shown(otto, "A1", "order.initiated.v1")
    place = await _quarantined(otto, at_work, event("A1", "submitted", time="yesterday"))
    await act(otto, f"/quarantine/{place}/drop", reason="rubbish")
    answer = await shown(otto, "A1", "order.dropped.v1")
    assert (answer["stage"], answer["revision"]) == ("initiated", 2)


async def test_a_message_is_corrected_and_takes_effect(otto: Board, at_work: Run) -> None:
    await publish(at_work, message(event("A1", "submitted")))
    bad = event("A1", "price_calculated", data={"price": {"amount": 12.5, "currency": "EUR"}})
    place = await _quarantined(otto, at_work, bad)
    page = unescape(await otto.text(f"/quarantine/{place}"))
    assert "<option selected>order.price_calculated.v1</option>" in page
    assert 'value="2026-03-01T15:00:00"' in page, "it happened when it says so, not when the log got it"
    assert "most likely nothing is missing" not in page
    form = {
        "order": "A1", "source": "/pricing", "event_type": "order.price_calculated.v1", "at": "2026-03-01T15:30:00",
        "data": '{"price": {"amount": 12.5, "currency": "EUR"}}', "reason": "a number was no text",
    }  # fmt: skip
    refused = await act(otto, f"/quarantine/{place}/correct", **form)
    assert refused.status_code == 422
    assert "no event that could take effect" in refused.text
    assert "a number was no text" in refused.text, "what was typed is still there"
    never = await act(otto, f"/quarantine/{place}/correct", **form | {"at": "0001-01-01T00:00+23:59"})
    assert never.status_code == 422
    for data in ("{", '{"a":' + 300 * "[" + 300 * "]" + "}", "[]"):
        assert (await act(otto, f"/quarantine/{place}/correct", **form | {"data": data})).status_code == 422
    done = await act(
        otto, f"/quarantine/{place}/correct", **form | {"data": '{"price": {"amount": "12.5", "currency": "EUR"}}'}
    )
    assert done.status_code == 303
    answer = await shown(otto, "A1", "order.correction.v1")
    assert (answer["stage"], answer["price_amount"], answer["stage_since"]) == (
        "price_calculated", "12.5", "2026-03-01T15:30:00Z",
    )  # fmt: skip
    await _settled(otto, place, "Corrected by otto")


async def test_whoever_comes_second_is_told_who_was_quicker(otto: Board, at_work: Run) -> None:
    """A page may be old. What was dropped is not corrected, and nothing is corrected twice."""
    await publish(at_work, message(event("A1", "initiated")))
    await shown(otto, "A1", "order.initiated.v1")
    place = await _quarantined(otto, at_work, event("A1", "submitted", time="yesterday"))
    form = str(uuid4())
    await act(otto, f"/quarantine/{place}/drop", form=form, reason="rubbish")
    await _settled(otto, place, "Dropped by otto")
    correction = {
        "order": "B1", "source": "/shop", "event_type": "order.submitted.v1", "at": "2026-03-01T15:30:00",
        "data": "{}", "reason": "it was",
    }  # fmt: skip
    await give_accounts(at_work, anna="operator")
    async with signing(at_work, redis_prefix=at_work.settings.redis_prefix) as annas:
        await sign_in(annas, "anna")
        for path, fields in (("drop", {"reason": "x"}), ("correct", correction)):
            late = await act(annas, f"/quarantine/{place}/{path}", **fields)
            assert late.status_code == 409
            assert "otto was quicker" in late.text
            assert f'href="/quarantine/{place}/{path}"' not in late.text, "a form's address is no page"
    again = await act(otto, f"/quarantine/{place}/drop", form=form, reason="rubbish")
    assert (again.status_code, again.headers["location"]) == (303, f"/quarantine/{place}")
    await caught_up(at_work)
    assert (await otto.client.get("/api/orders/B1")).status_code == 404
    assert len((await otto.json("/api/orders/A1"))["timeline"]) == 2


async def test_of_what_the_order_has_already_it_is_said(otto: Board, at_work: Run) -> None:
    first = event("A1", "note_added")
    await publish(at_work, message(first))
    place = await _quarantined(otto, at_work, first | {"data": {"text": "other", "author": "ada"}})
    assert "most likely nothing is missing" in await otto.text(f"/quarantine/{place}")


ACTIONS = [
    ("/orders/A1/note", {"text": "x"}), ("/orders/A1/release", {}), ("/orders/A1/retry-price", {}),
    ("/orders/A1/cancel", {"reason": "x"}), ("/quarantine/0:0/drop", {"reason": "x"}),
    ("/quarantine/0:0/correct", {"order": "A1", "source": "/shop", "event_type": "order.initiated.v1",
                                 "at": "2026-03-01T15:30:00", "data": "{}", "reason": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "fields"), ACTIONS, ids=[path for path, _ in ACTIONS])
async def test_who_may_not_act_cannot(at_work: Run, path: str, fields: dict[str, str]) -> None:
    async with signing(at_work) as board:
        assert (await act(board, path, **fields)).status_code == 401
        await sign_in(board, "vera")
        assert (await act(board, path, **fields)).status_code == 403
        await sign_in(board, "otto")
        strange = await board.client.post(path, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert strange.status_code == 403
    async with signing(at_work, board_sign_in="off") as board:
        assert (await act(board, path, **fields)).status_code == 403


async def test_who_only_looks_sees_no_forms(at_work: Run) -> None:
    async with running_pipeline(at_work), signing(at_work) as board:
        await sign_in(board, "vera")
        await publish(at_work, message(event("A1", "initiated")))
        await shown(board, "A1", "order.initiated.v1")
        assert "/note" not in await board.text("/orders/A1")


@pytest.mark.parametrize("text", ["", "x" * 4001, " "])
async def test_what_cannot_be_an_event_is_refused(otto: Board, at_work: Run, text: str) -> None:
    await publish(at_work, message(event("A1", "initiated")))
    await shown(otto, "A1", "order.initiated.v1")
    assert (await act(otto, "/orders/A1/note", text=text)).status_code == 422
    await caught_up(at_work)
    assert len((await otto.json("/api/orders/A1"))["timeline"]) == 1


async def test_while_the_broker_is_away_nobody_is_told_that_it_was_done(at_work: Run) -> None:
    async with proxied(at_work.settings.stream_url) as (url, proxy), signing(at_work, stream_url=url) as board:
        await sign_in(board)
        proxy.refusing = True
        proxy.cut()
        answer = await act(board, "/orders/A1/note", text="x")
        assert answer.status_code == 503
        proxy.refusing = False

        async def again() -> bool:
            return (await act(board, "/orders/A1/note", text="x")).status_code == 303

        await until(again, "the board to be able to publish again")
