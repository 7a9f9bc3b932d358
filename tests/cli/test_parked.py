"""`warren parked`: an order parked by an event in a version this release cannot read."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import orjson
import pytest

from pipelines.engine.transport import SuperStreamPublisher
from schemas.envelope import Envelope
from schemas.orders import EVENTS
from tests.cli.support import Warren
from tests.support.events import event, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run
from tests.support.waiting import until


class SubmittedV2(Envelope):
    """What a newer release would know."""

    type: Literal["order.submitted.v2"]
    data: dict[str, Any]


async def _publish_parking(run: Run) -> None:
    events = [
        event("A1", "initiated"),
        event("A1", "submitted", type="order.submitted.v2"),
        event("A1", "price_calculated"),
        event("A2", "initiated"),
    ]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([message(fields) for fields in events])


async def test_a_release_that_does_not_help_leaves_the_order_parked_and_says_so(warren: Warren, run: Run) -> None:
    await _publish_parking(run)
    async with warren.process("run", "views@1") as pipeline:
        await caught_up(run)
        listed = (await warren("parked", "list", "--json")).json
        (order,) = listed["parked"]
        assert (order["order_id"], order["events"], listed["more"]) == ("A1", 2, False)
        assert "order.submitted.v2" in order["reason"]
        assert "order.submitted.v2" in (await warren("parked", "list")).words

        answer = await warren("parked", "release", "A1", "--wait", "--author", "ada", "--json")
        assert answer.code == 1
        said = answer.json
        assert (said["tried"], said["were_waiting"], said["waiting"]) == (True, 2, 3)
        assert "cannot read order.submitted.v2" in said["why"]
        again = await warren("parked", "release", "A1", "--wait")
        assert again.code == 1
        assert "A1 is still parked: 4 events wait, the release among them. Nothing was skipped." in again.words
        assert "4 events wait, parked" in (await warren("order", "show", "A1")).words
        pipeline.terminate()
        assert await asyncio.wait_for(pipeline.wait(), 60) == 0


async def test_a_release_after_the_deploy_lets_everything_take_effect_in_stream_order(
    warren: Warren, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _publish_parking(run)
    async with running_pipeline(run):
        await caught_up(run)
        monkeypatch.setitem(EVENTS, "order.submitted.v2", SubmittedV2)  # the deploy
        answer = await warren("parked", "release", "A1", "--wait", "--reason", "1.4.2 is out")
        assert answer.code == 0, answer
        assert answer.words == "Released: the 2 parked events of order A1 have taken effect."
    story = (await warren("order", "show", "A1", "--json")).json
    types = [entry["event_type"] for entry in story["timeline"]]
    assert types == ["order.initiated.v1", "order.submitted.v2", "order.price_calculated.v1", "order.released.v1"]
    assert story["parked"] == []
    (event_,) = [
        line["event"]
        for line in map(orjson.loads, (await warren("tail", "--order", "A1")).stdout.splitlines())
        if line["event"]["type"] == "order.released.v1"
    ]
    assert (event_["source"], event_["data"]) == ("/operators", {"author": "tester", "reason": "1.4.2 is out"})
    assert (await warren("parked", "list")).words == "No order is parked."
    (await warren("parked", "release", "A1")).failed(1, "'A1' is not parked")


async def test_without_wait_it_only_asks_and_with_it_it_gives_up_in_time(warren: Warren, run: Run) -> None:
    await _publish_parking(run)
    async with running_pipeline(run):
        await caught_up(run)

        async def parked() -> bool:
            return bool((await warren("parked", "list", "--json")).json["parked"])

        await until(parked, "the order to be parked")
    asked = await warren("parked", "release", "A1", "--json")
    assert asked.code == 0
    assert (asked.json["tried"], asked.json["waiting"]) == (None, None)
    late = await warren("parked", "release", "A1", "--wait", "--timeout", "0.2")
    assert late.code == 1
    assert "has not come to it yet" in late.words


async def test_an_order_that_is_not_parked_is_refused_in_one_line(warren: Warren) -> None:
    (await warren("parked", "release", "A404")).failed(1, "'A404' is not parked", "warren parked list")
