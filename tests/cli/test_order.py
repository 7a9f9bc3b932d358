"""`warren order show`."""

from __future__ import annotations

from pipelines.engine.transport import SuperStreamPublisher
from tests.cli.support import Warren
from tests.support.events import LIFE, event, life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run


async def test_it_tells_an_orders_story(warren: Warren, run: Run) -> None:
    events = [*life("A1"), *life("A2", "initiated", "submitted"), event("A2", "initiated", event_id="again", hour=3)]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher, running_pipeline(run):
        await publisher.publish([message(fields) for fields in events])
        await caught_up(run)

    closed = (await warren("order", "show", "A1", "--json")).json
    assert [entry["stage"] for entry in closed["timeline"]] == list(LIFE)
    assert [entry["held_seconds"] for entry in closed["timeline"]] == [None, *[3600.0] * 9]
    assert closed["state"]["stage"] == "closed"
    assert closed["state"]["price_amount"] == "12.50"
    assert (closed["state"]["stuck"], closed["state"]["held_seconds"]) == (False, None)

    stuck = (await warren("order", "show", "A2", "--json")).json
    assert (stuck["state"]["stage"], stuck["state"]["holder"]) == ("submitted", "pricing")
    assert stuck["state"]["stuck"] is True
    assert stuck["state"]["overdue_seconds"] == stuck["state"]["held_seconds"] - 3600
    assert stuck["timeline"][-1]["anomalies"] == ["out_of_step"]

    shown = (await warren("order", "show", "A2")).words
    for words in ("submitted, held by pricing for", "STUCK", "after 2 h", "out_of_step", "0af7651916cd43dd8448eb21"):
        assert words in shown


async def test_an_order_nobody_has_heard_of_is_one_line(warren: Warren) -> None:
    (await warren("order", "show", "A404")).failed(1, "'A404'", "warren quarantine list")
    (await warren("order", "show", "A404", "--json")).failed(1)
