"""How errors are told: in one line, whatever they are."""

from __future__ import annotations

import pytest

from schemas.errors import Fenced, said, told


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "says", "tells"),
    [
        (
            ValueError("deadlock\nDETAIL:  one waits\r\nfor the other\n"),
            "deadlock DETAIL: one waits for the other",
            None,
        ),
        (Fenced(3, 7), "partition 3 was taken over; epoch 7 may not commit any more", None),
        (TimeoutError(), "TimeoutError", "TimeoutError"),
        (Mute(), "Mute", "Mute"),
    ],
)
def test_an_error_is_told_in_one_line(error: Exception, says: str, tells: str | None) -> None:
    assert said(error) == says
    assert told(error) == (tells or f"{type(error).__name__}: {says}")
