"""The board's words, in English and Russian: `texts/<language>.toml`, with the same keys in each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from dashboards.operator import formats

LANGUAGES = {"en": "English", "ru": "Русский"}
DEFAULT = "en"


class Words:
    """One language. `words("page.title")` is a text ready for HTML; `{name}` in it is filled from the arguments, which
    are escaped unless they are HTML already."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts
        self.units = (texts["unit.day"], texts["unit.hour"], texts["unit.minute"], texts["unit.second"])

    def __call__(self, key: str, **values: object) -> Markup:
        """Return the text of `key`. Raises KeyError for one that is not in the catalogue."""
        return escape(self._texts[key]).format(**values)

    def named(self, kind: str, name: str) -> str:
        """The word for a stage, holder or anomaly; the bare name for one this release has no word for."""
        return self._texts.get(f"{kind}.{name}", name)

    def duration(self, length: timedelta) -> str:
        """How long something took, in this language: `2 d 4 h`."""
        return formats.duration(length, self.units)

    def age(self, length: timedelta) -> str:
        """How long something has been going on, in this language."""
        return formats.age(length, self.units)


@cache
def words(language: str) -> Words:
    """Return the catalogue of one of `LANGUAGES`."""
    text = files(__package__ or "").joinpath(f"texts/{language}.toml").read_text(encoding="utf-8")
    return Words(language, dict(_flat(tomllib.loads(text))))


def choose(asked: str | None, remembered: str | None, accepted: str | None) -> str:
    """Return the language for a reader: asked for now, else remembered, else the browser's, else the default."""
    for wish in (asked, remembered):
        if wish in LANGUAGES:
            return wish
    return next((language for language in _by_preference(accepted or "") if language in LANGUAGES), DEFAULT)


def _by_preference(header: str) -> list[str]:
    wishes = []
    for part in header.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        wishes.append((-quality, tag.split("-")[0].lower()))
    return [tag for _, tag in sorted(wishes, key=lambda wish: wish[0])]


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
