"""A trend as the points of a line, in a picture a hundred wide and twenty-four high."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 100, 24


def points(trend: Sequence[int]) -> str:
    """Return the points of an SVG polyline from the left edge to the right, zero at the bottom."""
    most = max(trend) or 1
    step = WIDTH / (len(trend) - 1)
    heights = (HEIGHT - 1 - (HEIGHT - 2) * number / most for number in trend)
    return " ".join(f"{place * step:.1f},{height:.1f}" for place, height in enumerate(heights))
