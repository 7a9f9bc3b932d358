"""The catalogues, and which one a reader gets."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from dashboards.operator.listing.question import Sort, SourceKind
from dashboards.operator.notices import Name
from dashboards.operator.texts import LANGUAGES, choose, words
from processors.orders.lifecycle import Anomaly
from schemas.errors import Reason
from schemas.lifecycle import Holder, Stage


def catalogue(language: str) -> dict[str, dict[str, str]]:
    """The texts as they are in the file."""
    return tomllib.loads(files("dashboards.operator").joinpath(f"texts/{language}.toml").read_text(encoding="utf-8"))


def places(text: str) -> set[str]:
    """What is filled in."""
    return set(re.findall(r"{(\w*)}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_have_the_same_texts_with_the_same_places(language: str) -> None:
    own, english = catalogue(language), catalogue("en")
    assert {table: set(texts) for table, texts in own.items()} == {
        table: set(texts) for table, texts in english.items()
    }
    for table, texts in own.items():
        assert {key: places(text) for key, text in texts.items()} == {
            key: places(text) for key, text in english[table].items()
        }


def test_every_text_is_used() -> None:
    root = Path(str(files("dashboards.operator")))
    used = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.*") if path.suffix in (".html", ".py"))
    by_name = set("stage holder anomaly unit link origin sort sequence meaning notice reason role".split())
    keys = [f"{table}.{key}" for table, texts in catalogue("en").items() if table not in by_name for key in texts]
    assert [key for key in keys if f'"{key}"' not in used and f"'{key}'" not in used] == [
        "vitals.cache",
        "vitals.database",
        "message.dropped",
        "message.corrected",
        *(f"act.asked_{what}" for what in ("note", "release", "retry", "cancel")),
        *(f"sign_in.{why}" for why in ("wrong", "too_many", "away", "provider_away", "not_by_provider", "no_role")),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_everything_an_order_can_be(language: str) -> None:
    kinds = {
        "stage": Stage,
        "holder": Holder,
        "anomaly": Anomaly,
        "origin": SourceKind,
        "sequence": Sort,
        "notice": get_args(Name),
        "reason": Reason,
    }
    for kind, members in kinds.items():
        names = [str(name) for name in members]
        assert set(catalogue(language)[kind]) == set(names)
        assert len(set(catalogue(language)[kind].values())) == len(names), "two that nobody could tell apart"
    assert words(language).named("stage", "of_the_future") == "of_the_future"


def test_what_is_filled_in_is_escaped() -> None:
    assert words("en")("order.title", id="<b>") == "Order &lt;b&gt;"


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        (None, None, None, "en"),
        ("ru", "en", "en", "ru"),
        ("xx", "ru", "en", "ru"),
        (None, "ru", "en", "ru"),
        (None, None, "de, ru;q=0.8, en;q=0.5", "ru"),
        (None, None, "ru-RU,ru;q=0.9", "ru"),
        (None, None, "en;q=0.1,ru;q=0.2", "ru"),
        (None, None, "*;q=x,,;;", "en"),
    ],
)
def test_the_language_is_the_one_wished_for(
    asked: str | None, remembered: str | None, accepted: str | None, chosen: str
) -> None:
    assert choose(asked, remembered, accepted) == chosen
