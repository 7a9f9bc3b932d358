"""Percentiles are nearest ranks; an event is visible when the board's own answer has it, and not before."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.demo.planned import Fate, Planned, Sender
from cli.demo.visible import AT_ONCE, EVERY, Visibility, percentile
from dashboards.operator.server import running_board
from pipelines.engine.transport import SuperStreamPublisher
from tests.support.events import event
from tests.support.pipelines import running_pipeline
from tests.support.runs import Run


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) * (1 - 1e-9)
    assert sum(value < found for value in values) < share * len(values) * (1 + 1e-9)


def test_nothing_measured_is_no_figure() -> None:
    assert percentile([], 0.5) is None


def planned(order: str) -> Planned:
    fields = event(order, "initiated")
    return Planned(order, Sender.SHOP, fields["id"], fields["type"], orjson.dumps(fields), Fate.APPLIED)


async def test_an_event_counts_when_the_board_has_it(run: Run) -> None:
    message = planned("acme:PO 1".replace(" ", "-"))
    async with (
        running_board(run.settings) as url,
        Visibility(url, 1) as visibility,
        SuperStreamPublisher(run.settings.stream_url, "orders") as publisher,
    ):
        await publisher.publish([message.message])
        visibility.offer(message)
        assert await visibility.settle(0.3) == [message]
        assert not visibility.milliseconds
        async with running_pipeline(run):
            assert await visibility.settle(60) == []
        assert visibility.milliseconds[0] >= 300


@pytest.mark.parametrize("board", ["http://127.0.0.1:1"])
async def test_few_are_watched_at_once_and_a_board_that_is_away_shows_nothing(board: str) -> None:
    async with Visibility(board, 1) as visibility:
        for number in range(AT_ONCE * EVERY[1] * 3):
            visibility.offer(planned(f"o{number}"))
        await asyncio.sleep(0)
        assert len(await visibility.settle(0.1)) == AT_ONCE
        assert not visibility.milliseconds
