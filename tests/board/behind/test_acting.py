"""What is done through any instance is done once, also where the instance dies of it or the form comes twice."""

from __future__ import annotations

import re
import signal
from typing import Any

import httpx
import orjson
import pytest

from tests.board.behind.conftest import Farm
from tests.board.signin.test_acting import found_form
from tests.board.stock import publish
from tests.board.support import Board
from tests.support.events import event, message
from tests.support.pipelines import caught_up

DIES = ("-m", "tests.board.behind.entries.dies_after_acting")


async def send(board: Board, path: str, **fields: str) -> int:
    """Send a form as a browser does; return the status."""
    answer = await board.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    return answer.status_code


async def done(farm: Farm) -> list[dict[str, Any]]:
    """Return what operators have done, in its sequence: what took effect, and what waits behind a parked event."""
    await caught_up(farm.run)
    connection = await farm.run.connect()
    rows = await connection.fetch(
        "SELECT body, recorded_at FROM timeline UNION ALL SELECT body, recorded_at FROM parked ORDER BY recorded_at"
    )
    await connection.close()
    events = [orjson.loads(row["body"]) for row in rows]
    return [one for one in events if one["source"] == "/operators"]


async def duplicates(farm: Farm) -> int:
    """Return how many events came again and were dropped."""
    await caught_up(farm.run)
    connection = await farm.run.connect()
    count: int = await connection.fetchval("SELECT sum(duplicates)::int FROM checkpoint")
    await connection.close()
    return count


READABLE = {"order": "ONCE-correct", "source": "/shop", "event_type": "order.initiated.v1", "data": "{}"}

FORMS: dict[str, tuple[list[dict[str, Any]], dict[str, str]]] = {
    "note": ([event("ONCE-note", "initiated")], {"text": "called them"}),
    "release": (
        [event("ONCE-release", "initiated"), event("ONCE-release", "submitted") | {"type": "order.submitted.v9"}],
        {"reason": "in vain"},
    ),
    "retry-price": ([event("ONCE-retry-price", "submitted"), event("ONCE-retry-price", "price_failed")], {}),
    "cancel": ([event("ONCE-cancel", "initiated")], {"reason": "they asked for it"}),
    "drop": ([event("ONCE-drop", "initiated", time="yesterday")], {"reason": "rubbish"}),
    "correct": (
        [event("ONCE-correct", "initiated", time="yesterday")],
        {**READABLE, "at": "2026-03-01T15:30:00", "reason": "no time"},
    ),
}
"""What has to have happened for each form to be there, and how it is filled in."""


async def _page_of(board: Board, action: str) -> str:
    """Return the path of the page that has the form."""
    if action not in ("drop", "correct"):
        return f"/orders/ONCE-{action}"
    places = re.findall(r'href="(/quarantine/[0-9:]+)"', await board.text("/pipeline"))
    here = [str(place) for place in places if f"ONCE-{action}" in await board.text(place)]
    return here[0]


@pytest.mark.parametrize("action", FORMS)
async def test_a_form_sent_to_every_instance_is_done_once(farm: Farm, action: str) -> None:
    happened, fields = FORMS[action]
    await publish(farm.run, *map(message, happened))
    before, dropped = await done(farm), await duplicates(farm)
    async with farm.visitor("otto") as board:
        path = await _page_of(board, action)
        html = await board.text(path)
        assert f'action="{path}/{action}"' in html
        for instance in farm.instances:
            async with httpx.AsyncClient(base_url=instance.address, trust_env=False, timeout=30) as inside:
                answer = await inside.post(
                    f"{path}/{action}",
                    data={"form": found_form(html), **fields},
                    headers={
                        "Cookie": f"__Host-warren={board.client.cookies['__Host-warren']}",
                        "Sec-Fetch-Site": "same-origin",
                    },
                )
            assert answer.status_code == 303
    new = (await done(farm))[len(before) :]
    assert [one["data"]["author"] for one in new] == ["otto"]
    # What it has settled already, an instance does not say again.
    least = 0 if action in ("drop", "correct") else 2
    assert dropped + least <= await duplicates(farm) <= dropped + 2


async def test_whoever_acts_does_not_notice_that_the_instance_dies_of_it(farm: Farm) -> None:
    await publish(farm.run, message(event("DIES", "initiated")))
    await caught_up(farm.run)
    mortal = farm.instances[1]
    mortal.send(signal.SIGKILL)
    await mortal.ended()
    mortal.start(DIES)
    await mortal.ready()
    await farm.spread()
    before, dropped = await done(farm), await duplicates(farm)
    async with farm.visitor("otto") as board:
        for number in range(6):
            form = found_form(await board.text("/orders/DIES"))
            assert await send(board, "/orders/DIES/note", form=form, text=f"note {number}") == 303
    assert await mortal.ended() == -signal.SIGKILL
    new = (await done(farm))[len(before) :]
    assert [one["data"]["text"] for one in new] == [f"note {number}" for number in range(6)]
    assert await duplicates(farm) == dropped + 1, "it was published before it died, and by another again"
