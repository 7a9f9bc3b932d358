"""How times and numbers are written, for people and for machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_NARROW = "\u202f"
"""A thin space that does not break: it groups digits, and holds a number and its unit together."""


def rfc3339(moment: datetime) -> str:
    """`2026-03-01T12:00:00.5Z`: UTC, as many decimals as there are."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def moment(value: datetime) -> str:
    """`2026-03-01 12:00:00`, in UTC, for a label that says so."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def number(value: int) -> str:
    """`12 345`."""
    return f"{value:,}".replace(",", _NARROW)


def duration(length: timedelta, units: tuple[str, str, str, str]) -> str:
    """`2 d 4 h`: the two largest of days, hours, minutes and seconds (the words are `units`), rounded down."""
    return _joined(_amounts(length), units)


def age(length: timedelta, units: tuple[str, str, str, str]) -> str:
    """The same for something that still goes on: without seconds from a minute on, so that it changes calmly.

    `static/live.js` writes the same, so that a page's ages go on counting.
    """
    amounts = _amounts(length)
    return _joined((*amounts[:3], 0 if any(amounts[:3]) else amounts[3]), units)


def _amounts(length: timedelta) -> tuple[int, int, int, int]:
    seconds = max(0, int(length.total_seconds()))
    return seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60


def _joined(amounts: tuple[int, int, int, int], units: tuple[str, str, str, str]) -> str:
    first = next((place for place, amount in enumerate(amounts) if amount), 3)
    shown = [place for place in range(first, min(first + 2, 4)) if amounts[place] or place == first]
    return " ".join(f"{number(amounts[place])}{_NARROW}{units[place]}" for place in shown)
