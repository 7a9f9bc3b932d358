"""How times and numbers are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dashboards.operator import formats

UNITS = ("d", "h", "min", "s")


@pytest.mark.parametrize(
    ("seconds", "duration", "age"),
    [
        (0, "0 s", "0 s"),
        (0.9, "0 s", "0 s"),
        (-5, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (83, "1 min 23 s", "1 min"),
        (3600, "1 h", "1 h"),
        (3605, "1 h", "1 h"),
        (3660, "1 h 1 min", "1 h 1 min"),
        (90000, "1 d 1 h", "1 d 1 h"),
        (86400 * 1234 + 60, "1 234 d", "1 234 d"),
    ],
)
def test_a_length_of_time_is_written_in_its_two_largest_units(seconds: float, duration: str, age: str) -> None:
    length = timedelta(seconds=seconds)
    assert formats.duration(length, UNITS).replace("\u202f", " ") == duration
    assert formats.age(length, UNITS).replace("\u202f", " ") == age


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 12, 0, tzinfo=UTC), "2026-03-01T12:00:00Z"),
        (datetime(2026, 3, 1, 12, 0, 0, 500000, tzinfo=UTC), "2026-03-01T12:00:00.5Z"),
        (datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC), "2026-03-01T12:00:00.000001Z"),
        (datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=3))), "2026-03-01T09:00:00Z"),
    ],
)
def test_a_moment_for_machines_is_rfc_3339_in_utc(moment: datetime, text: str) -> None:
    assert formats.rfc3339(moment) == text
    assert datetime.fromisoformat(text) == moment
