"""The picture of an order's life, and what comes next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboards.operator.order.following import Next, next_of
from dashboards.operator.order.picture import WIDTH, picture
from dashboards.operator.order.spans import spans
from dashboards.operator.rows import Card
from schemas.lifecycle import STAGES, Stage
from tests.board.test_spans import START, entry, story


def test_stays_are_as_wide_as_they_were_long_and_holders_add_up() -> None:
    told = story(
        entry(0, "initiated"),
        entry(5, "submitted", 300),
        entry(25, "price_calculated", 1200),
        entry(30, "shipped", 300),
    )
    drawn = picture(spans(told, START + timedelta(minutes=40)))
    assert drawn is not None
    assert [(part.left, part.width) for part in drawn.parts] == [(0, 125), (125, 500), (625, 125), (750, 250)]
    assert drawn.whole == timedelta(minutes=40)
    assert [(held.holder, held.time, held.share) for held in drawn.holders] == [("shop", timedelta(minutes=40), 100)]


def test_what_was_too_late_is_a_share_of_its_stay() -> None:
    told = story(entry(0, "submitted"), entry(240, "price_calculated", 4 * 3600))
    drawn = picture(spans(told, START + timedelta(minutes=241)))
    assert drawn is not None
    assert drawn.parts[0].late == pytest.approx(drawn.parts[0].width * 3 / 4, abs=0.1)
    assert drawn.parts[1].late == 0


def test_a_moment_beside_months_can_still_be_seen() -> None:
    told = story(entry(0, "initiated"), entry(1 / 60, "submitted", 1), entry(100_000, "shipped", 6e6))
    drawn = picture(spans(told, START + timedelta(minutes=100_001)))
    assert drawn is not None
    assert min(part.width for part in drawn.parts) > 5
    assert sum(part.width for part in drawn.parts) == pytest.approx(WIDTH, abs=0.1)


def test_of_nothing_measured_there_is_no_picture() -> None:
    assert picture([]) is None
    assert picture(spans(story(entry(0, "unopened"), entry(5, "closed")), START)) is None


def card(stage: str, holder: str = "shop") -> Card:
    return Card("A", stage, holder, None, None, None, None, START, START, 1, 0, 0, START, 0, "/shop")


def test_what_comes_next_and_by_when() -> None:
    assert next_of(card("submitted", "pricing")) == Next(Stage.PRICE_CALCULATED, "pricing", START + timedelta(hours=1))
    assert next_of(card("shipped", "crm")) == Next(Stage.CLOSED, "crm", START + timedelta(days=14))
    failed = next_of(card("submitted", "operators"))
    assert failed is not None
    assert failed.price_failed
    assert next_of(card("closed")) is None
    assert next_of(card("a stage of tomorrow")) is None


@pytest.mark.parametrize("stage", [stage for stage in STAGES if STAGES[stage].target])
def test_from_every_stage_it_goes_on(stage: Stage) -> None:
    following = next_of(card(stage))
    assert following is not None
    assert STAGES[following.stage].rank == STAGES[stage].rank + 1
    assert following.stage is not Stage.CANCELLED
