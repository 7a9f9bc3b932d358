"""As it was at a moment: the state the board showed then, told from what the log had by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.board.stock import publish
from tests.board.support import Board, asked
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run

STATE = (
    "stage", "holder", "partner", "customer_id", "price_amount", "price_currency", "opened_at", "stage_since",
    "revision", "anomalies", "last_offset", "opened_by", "closed_at",
)  # fmt: skip


def steps() -> list[dict[str, Any]]:
    """Events of order A whose effects differ in all that can be told of an order."""
    price = {"price": {"amount": "12.50", "currency": "EUR"}}
    later = {"price": {"amount": "13.75", "currency": "USD"}}
    start = datetime.now(UTC) - timedelta(minutes=30)
    names: list[tuple[str, dict[str, Any]]] = [
        ("initiated", {"customer_id": "c1"}), ("submitted", {"customer_id": "c2", "partner": "acme"}),
        ("price_failed", {"reason": "no"}), ("price_calculated", price), ("submitted", {}),
        ("manufacturing_approved", {}), ("price_calculated", later), ("shipped", {}), ("closed", {}),
        ("note_added", {"text": "late", "author": "anna"}),
    ]  # fmt: skip
    found = []
    for number, (name, data) in enumerate(names):
        own: dict[str, Any] = {"data": data} if data else {}
        own["time"] = (start + timedelta(minutes=number)).isoformat()
        found.append(event("A", name, event_id=f"e{number}", **own))
    return found


async def test_it_was_what_the_board_said_then(run: Run) -> None:
    async with running_pipeline(run), asked(run.settings) as board:
        seen = []
        for step in steps():
            await publish(run, message(step))
            await caught_up(run)
            seen.append(await board.json("/api/orders/A"))
        for number, then in enumerate(seen):
            entry = then["timeline"][-1]
            was = await board.json("/api/orders/A", at=entry["recorded_at"])
            assert {name: was[name] for name in STATE} == {name: then[name] for name in STATE}, number
            assert was["timeline"] == then["timeline"]
        before = datetime.fromisoformat(seen[0]["timeline"][0]["recorded_at"]) - timedelta(milliseconds=1)
        await board.json("/api/orders/A", 404, at=before.isoformat())
        await _the_pages(board, seen)


async def _the_pages(board: Board, seen: list[dict[str, Any]]) -> None:
    then = seen[3]["timeline"][-1]["recorded_at"]
    page = await board.text("/orders/A", params={"at": then})
    assert "As it was at" in page
    assert "12.50" in page
    assert "13.75" not in page
    assert "hx-sse:connect" not in page, "what was does not change"
    assert f"/orders/A?at={then}" in page
    now = await board.text("/orders/A", params={"at": ""})
    assert "hx-sse:connect" in now


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "0001-01-01T00:00+23:59", "99999-01-01"])
async def test_a_moment_that_is_none_is_refused(board: Board, at: str) -> None:
    assert (await board.client.get("/orders/S1-0", params={"at": at})).status_code == 422


@pytest.mark.parametrize(
    ("at", "status"), [("9999-12-31T23:59:59Z", 200), ("0001-01-01", 404), ("1970-01-01T00:00", 404)]
)
async def test_long_before_there_was_none_and_long_after_it_is_as_it_is(board: Board, at: str, status: int) -> None:
    assert (await board.client.get("/orders/S1-0", params={"at": at})).status_code == status


async def test_parked_events_are_told_by_when_they_were_recorded(board: Board) -> None:
    answer = await board.json("/api/orders/WAIT-1")
    recorded = answer["parked"][0]["recorded_at"]
    assert (await board.json("/api/orders/WAIT-1", at=recorded))["parked"] == answer["parked"]
    earlier = datetime.fromisoformat(recorded) - timedelta(milliseconds=1)
    await board.json("/api/orders/WAIT-1", 404, at=earlier.isoformat())
